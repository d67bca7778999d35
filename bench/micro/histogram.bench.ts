// What one duration costs to record: in the target's histogram of service times, and in that of a load.

import { COARSE, FINE, Histogram } from "../../statistics/histogram.ts";
import { createRandom } from "../../words/random.ts";
import type { MicroCase } from "./micro_case.ts";

/** A power of two. */
const DRAWN = 4096;

export const HISTOGRAM_CASES: readonly MicroCase[] = [
  {
    name: "histogram target",
    about: "a duration recorded in a histogram of 16 buckets a doubling",
    make: () => recorder(new Histogram(COARSE)),
  },
  {
    name: "histogram load",
    about: "the same, three significant digits",
    make: () => recorder(new Histogram(FINE)),
  },
];

/** Durations over six decades, as likely in each. */
function recorder(histogram: { record(ns: number): void }): (call: number) => void {
  const random = createRandom(1);
  const times = Float64Array.from({ length: DRAWN }, () => 10 ** (3 + random.below(6000) / 1000));
  return (call) => histogram.record(times[call & (DRAWN - 1)] as number);
}
