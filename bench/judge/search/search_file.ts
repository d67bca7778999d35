// What `aoe bench search --json` writes, read back.

import * as v from "valibot";
import { ProvenanceSchema } from "../../machine/provenance.ts";

export const SEARCH = "aoe bench search";

export const SearchSchema = v.object({
  schema_version: v.number(),
  kind: v.literal(SEARCH),
  what: v.picklist(["cap", "rate"]),
  /** null: not even the end of the range will do. */
  value: v.nullable(v.number()),
  steps: v.array(
    v.object({ value: v.number(), figure: v.nullable(v.number()), enough: v.boolean() }),
  ),
  sentence: v.string(),
  provenance: ProvenanceSchema,
});
export type SearchResult = v.InferOutput<typeof SearchSchema>;
