// One sample beside another: how far apart, how sure, and in a word.
//
//            worse          │      same      │         better          (of a figure that should be high)
//   ───────────────┼────────┼────────┼───────┼────────┼──────────────▶ ratio head / base
//                      1/(1+band)    1     1+band
//        ├──interval──┤                            whole beyond the band, p small:   worse
//                            ├─────┤               whole inside the band:            same
//                      ├──────────────┤            anything else:                    inconclusive
//
// The interval is that of Hodges and Lehmann's shift of logarithms, p that of the rank sum test: neither
// assumes a distribution. The caller adjusts p for several rows (Holm).

import { medianInterval, type MedianInterval } from "../../statistics/median_interval.ts";
import { rankSum } from "../../statistics/rank_sum.ts";
import { shift } from "../../statistics/shift.ts";

export type Verdict = "better" | "worse" | "same" | "inconclusive";

/** Below this many trials a side there is no verdict; below ENOUGH it comes with a warning. */
export const FEWEST = 4;
export const ENOUGH = 9;
const ALPHA = 0.05;

/** How many trials a side it takes until the clearest of so many questions can have a verdict after Holm. */
export function trialsFor(questions: number): number {
  for (let n = FEWEST; ; n++) {
    const base = Array.from({ length: n }, (_, at) => at);
    const { p } = rankSum(
      base.map((value) => value + n),
      base,
    );
    if (questions * p < ALPHA) return n;
  }
}

export interface Difference {
  readonly base: MedianInterval;
  readonly head: MedianInterval;
  /** head / base: the estimate and its interval. NaN where a side is empty. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  readonly p: number;
}

/**
 * The logarithm of a figure. A rate of 0 and a time without end (cell_figures.ts) are figures too, the worst ones: they
 * lie so far out that no finite figure comes near, and beside one another they are equal.
 */
export function logOf(value: number): number {
  return Math.max(-FAR, Math.min(FAR, Math.log(value)));
}
/** Its power of e is 0 or Infinity, and that of its millionth part as well. */
const FAR = 1e9;

/** Values from 0 to Infinity, both included. */
export function difference(base: readonly number[], head: readonly number[]): Difference {
  const between = shift(head.map(logOf), base.map(logOf));
  return {
    base: medianInterval(base),
    head: medianInterval(head),
    ratio: Math.exp(between.shift),
    low: Math.exp(between.low),
    high: Math.exp(between.high),
    confidence: between.confidence,
    p: rankSum(head, base).p,
  };
}

/** `p` as adjusted; `band` as a share, 0.05: ratios within 5 % are noise. */
export function judge(
  found: Difference,
  p: number,
  band: number,
  higherIsBetter: boolean,
): Verdict {
  if (Math.min(found.base.n, found.head.n) < FEWEST) return "inconclusive";
  const above = 1 + band;
  const below = 1 / above;
  if (found.low > above && p < ALPHA) return higherIsBetter ? "better" : "worse";
  if (found.high < below && p < ALPHA) return higherIsBetter ? "worse" : "better";
  if (found.low >= below && found.high <= above) return "same";
  return "inconclusive";
}
