// What a report reads of `aoe bench reproduce`: the claims and what became of them.

import * as v from "valibot";

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
    }),
  ),
});

export type Reproduction = v.InferOutput<typeof ReproductionSchema>;
