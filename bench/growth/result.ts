// The result of `aoe bench growth`: every trial, and what they say of each axis.

import * as v from "valibot";
import { headOf } from "../machine/head.ts";
import { BarSchema } from "../result/bar.ts";
import { MedianSchema } from "../result/median.ts";
import { settingEntries } from "../result/setting.ts";
import { AXIS_NAMES, MEASURES } from "./axes.ts";
import { CensusSchema } from "./census.ts";

export const GROWTH = "aoe bench growth";

const FiguresSchema = v.object({
  /** Answered reads with the axis' depth outstanding, and how many of them went twice. */
  reads: v.number(),
  lost: v.number(),
  iops: v.number(),
  /** CPU time of the target by read; null: this kernel does not count it, or /proc is another's. */
  target_cpu_ns: v.nullable(v.number()),
  /** CPU time of the load by read, polling included: what drives must not be what grows. */
  load_cpu_ns: v.number(),
  /** As in the result of peers; null: not known. */
  load_busy_share: v.optional(v.nullable(v.number()), null),
  load_way: v.optional(v.nullable(v.string()), null),
  target_way: v.optional(v.nullable(v.string()), null),
  /** At the latency's depth, which is 1 but for the axis of depths. */
  lat_p50_ns: v.number(),
  lat_p99_ns: v.number(),
  /** Resident memory of the target at the end. */
  resident_bytes: v.nullable(v.number()),
  /** Of the two CPUs in the measured time, what neither target nor load used; null: not known. */
  others_cpu_share: v.nullable(v.number()),
  /** On the axis of exports. */
  census: v.optional(CensusSchema),
});

const TrialSchema = v.object({
  order: v.number(),
  attempt: v.optional(v.number(), 0),
  disturbed: v.optional(v.boolean(), false),
  /** In results of older programs: others disturbed it, another one stands in its place. */
  repeated: v.optional(v.boolean(), false),
  axis: v.picklist(AXIS_NAMES),
  value: v.number(),
  figures: v.nullable(FiguresSchema),
  failure: v.nullable(v.string()),
});

const PointSchema = v.object({
  value: v.number(),
  label: v.string(),
  target_cpu_ns: v.nullable(MedianSchema),
  lat_p50_ns: v.nullable(MedianSchema),
  iops: v.nullable(MedianSchema),
  /** The load was the limit, not the target. */
  by_load: v.optional(v.boolean(), false),
  /** Over all trials of the point. */
  lost: v.number(),
  census: v.optional(v.nullable(CensusSchema)),
});

const EndsSchema = v.object({
  measure: v.picklist(MEASURES),
  /** The far end's median by the near end's; null: not measured. */
  ratio: v.nullable(v.number()),
  flat: v.nullable(v.boolean()),
  /** Why it is not flat, or why it is not judged though both ends were measured. */
  reason: v.nullable(v.string()),
});

export const GrowthSchema = v.object({
  ...headOf(GROWTH),
  seed: v.number(),
  setting: v.object({
    ...settingEntries,
    read_bytes: v.number(),
  }),
  trials: v.array(TrialSchema),
  axes: v.array(
    v.object({
      axis: v.picklist(AXIS_NAMES),
      about: v.string(),
      points: v.array(PointSchema),
      ends: v.array(EndsSchema),
      /** What is promised, on the axis of exports. */
      bars: v.optional(v.array(BarSchema), []),
    }),
  ),
});

export type GrowthResult = v.InferOutput<typeof GrowthSchema>;
export type GrowthTrial = GrowthResult["trials"][number];
export type GrowthFigures = v.InferOutput<typeof FiguresSchema>;
export type AxisSummary = GrowthResult["axes"][number];
export type PointSummary = AxisSummary["points"][number];
