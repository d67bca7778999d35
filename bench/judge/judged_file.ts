// What `aoe bench compare --json` and `aoe bench ab` write, read back.

import * as v from "valibot";
import { RunSchema } from "../result/result.ts";

export const COMPARE = "aoe bench compare";
export const AB = "aoe bench ab";

const VerdictSchema = v.picklist(["better", "worse", "same", "inconclusive"]);

/** JSON has no word for what never ended. */
const Figure = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? Number.POSITIVE_INFINITY),
);

const SideSchema = v.object({
  arm: v.string(),
  git_revision: v.nullable(v.string()),
  started_at: v.string(),
  failed_trials: v.number(),
});

const MiddleSchema = v.object({
  n: v.number(),
  median: Figure,
  low: Figure,
  high: Figure,
  confidence: v.number(),
});

const judgedEntries = {
  base: MiddleSchema,
  head: MiddleSchema,
  ratio: Figure,
  low: Figure,
  high: Figure,
  confidence: v.number(),
  p: v.number(),
  p_holm: v.number(),
  band: v.number(),
  verdict: VerdictSchema,
};

const ChangeSchema = v.object({
  job: v.string(),
  axes: v.record(v.string(), v.string()),
  figure: v.string(),
  base: v.nullable(v.union([v.number(), v.boolean()])),
  head: v.nullable(v.union([v.number(), v.boolean()])),
});

export const ComparisonSchema = v.object({
  schema_version: v.number(),
  kind: v.literal(COMPARE),
  metric: v.string(),
  higher_is_better: v.boolean(),
  base: SideSchema,
  head: SideSchema,
  cells: v.array(
    v.object({
      ...judgedEntries,
      job: v.string(),
      axes: v.record(v.string(), v.string()),
      disturbed: v.boolean(),
    }),
  ),
  geomean: v.nullable(v.object({ ...judgedEntries, rows: v.number() })),
  changes: v.nullable(v.array(ChangeSchema)),
  verdict: VerdictSchema,
  summary: v.string(),
  warnings: v.array(v.string()),
  /** Absent in results of older programs. */
  provenance: v.optional(
    v.array(v.object({ fact: v.string(), base: v.string(), head: v.string() })),
    [],
  ),
});
export type JudgedPair = v.InferOutput<typeof ComparisonSchema>;

const MeasuredSchema = v.object({
  comparison: ComparisonSchema,
  control: ComparisonSchema,
  /** Of base, control and head. */
  results: v.optional(v.array(RunSchema), []),
});

const optional = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.optional(v.nullable(schema), null);

export const AbSchema = v.object({
  schema_version: v.number(),
  kind: v.literal(AB),
  base: optional(v.string()),
  head: optional(v.string()),
  cut_short: v.optional(v.boolean(), false),
  verdict: VerdictSchema,
  /** By judge. */
  said: v.record(v.string(), VerdictSchema),
  failed_trials: v.optional(v.number(), 0),
  exact: v.nullable(
    v.object({
      verdict: v.optional(v.string(), ""),
      sentence: v.string(),
      differences: v.array(v.string()),
    }),
  ),
  micro: optional(MeasuredSchema),
  cost: optional(MeasuredSchema),
  sockets: optional(MeasuredSchema),
});
export type AbResult = v.InferOutput<typeof AbSchema>;
