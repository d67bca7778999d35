// The median with an interval that assumes no distribution: two order statistics, placed so that the
// binomial chance that the median lies between them is at least what was asked for.
//
//   x(1) ≤ … ≤ x(k) ≤ … median … ≤ x(n+1−k) ≤ … ≤ x(n)
//   confidence = 1 − 2 · P(Binomial(n, ½) ≤ k − 1)
//
// Below 6 values 95 % can't be had: the interval is the whole range, and `confidence` says what it is worth.

import { quantile, sorted } from "./quantile.ts";

export interface MedianInterval {
  readonly n: number;
  readonly median: number;
  readonly low: number;
  readonly high: number;
  /** What the interval really has, 0 … 1; less than asked for where the sample is too small. */
  readonly confidence: number;
}

/** `confidence` 0 … 1. All NaN for an empty sample. */
export function medianInterval(sample: readonly number[], confidence = 0.95): MedianInterval {
  const ascending = sorted(sample);
  const n = ascending.length;
  const middle = quantile(ascending, 0.5);
  let k = 1;
  let reached = 1 - 2 * lowerTail(n, 0);
  while (2 * (k + 1) <= n) {
    const narrower = 1 - 2 * lowerTail(n, k);
    if (narrower < confidence) break;
    reached = narrower;
    k++;
  }
  return {
    n,
    median: middle,
    low: ascending[k - 1] ?? Number.NaN,
    high: ascending[n - k] ?? Number.NaN,
    confidence: n === 0 ? Number.NaN : Math.max(0, reached),
  };
}

/** P(Binomial(n, ½) ≤ k), through logarithms so that a large n does not underflow. */
function lowerTail(n: number, k: number): number {
  let logChoose = 0;
  let sum = 0;
  for (let i = 0; i <= k; i++) {
    if (i > 0) logChoose += Math.log((n - i + 1) / i);
    sum += Math.exp(logChoose - n * Math.LN2);
  }
  return sum;
}
