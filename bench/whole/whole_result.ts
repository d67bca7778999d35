// The result of `aoe bench whole`: what hyperfine found, comparison by comparison.

import * as v from "valibot";
import { headOf } from "../machine/head.ts";

export const WHOLE = "aoe bench whole";

const TimingSchema = v.object({
  name: v.string(),
  command: v.string(),
  /** By run, in order. */
  times_ns: v.array(v.number()),
  median_ns: v.number(),
  /** Means of the runs' CPU time. */
  user_ns: v.number(),
  system_ns: v.number(),
});

export const WholeSchema = v.object({
  ...headOf(WHOLE),
  hyperfine: v.string(),
  comparisons: v.array(
    v.object({
      name: v.string(),
      /** What is timed, in a sentence. */
      about: v.string(),
      /** Bytes that each command moves; null: it moves none. */
      bytes: v.nullable(v.number()),
      timings: v.array(TimingSchema),
    }),
  ),
  /** Sentences: what could not be timed here, and why. */
  absent: v.array(v.string()),
});

export type WholeResult = v.InferOutput<typeof WholeSchema>;
export type WholeComparison = WholeResult["comparisons"][number];
