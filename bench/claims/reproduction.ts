// What a report reads of `aoe bench reproduce` (claims/claim.ts): the claims and what became of them.

import * as v from "valibot";
import { RunSchema } from "../result/result.ts";
import { ProvenanceSchema } from "../machine/provenance.ts";

export const REPRODUCTION = "aoe bench reproduce";

export const ReproductionSchema = v.object({
  schema_version: v.number(),
  kind: v.literal(REPRODUCTION),
  claims: v.array(
    v.object({
      id: v.string(),
      claim: v.string(),
      verdict: v.picklist(["holds", "does not hold", "inconclusive"]),
      sentence: v.string(),
      how: v.string(),
      /** A row each, the columns named. */
      figures: v.array(v.record(v.string(), v.nullable(v.union([v.string(), v.number()])))),
    }),
  ),
  started_at: v.string(),
  provenance: ProvenanceSchema,
  /** The runs that claims were judged from, by name of the job and link. */
  runs: v.record(v.string(), RunSchema),
});

export type Reproduction = v.InferOutput<typeof ReproductionSchema>;
