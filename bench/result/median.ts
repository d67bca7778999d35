// A median over trials with its interval, as results keep it (statistics/median_interval.ts).

import * as v from "valibot";
import { type MedianInterval, medianInterval } from "../../statistics/median_interval.ts";

export const MedianSchema = v.object({
  n: v.number(),
  median: v.number(),
  low: v.number(),
  high: v.number(),
  /** Absent in results of older programs. */
  confidence: v.optional(v.number()),
});

/** Of those that are known; null: none is. */
export function knownMedian(sample: readonly (number | null)[]): MedianInterval | null {
  const known = sample.flatMap((value) => value ?? []);
  return known.length === 0 ? null : medianInterval(known);
}
