// What every result of a command that measures begins with.

import * as v from "valibot";
import { ProvenanceSchema } from "./provenance.ts";

export const headOf = <Kind extends string>(kind: Kind) => ({
  schema_version: v.number(),
  kind: v.literal(kind),
  started_at: v.string(),
  elapsed_ns: v.number(),
  /** A signal ended it before all was measured; absent in results of older programs. */
  cut_short: v.optional(v.boolean(), false),
  provenance: ProvenanceSchema,
});

export type Head<Kind extends string> = v.InferOutput<
  v.ObjectSchema<ReturnType<typeof headOf<Kind>>, undefined>
>;
