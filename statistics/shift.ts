// By how much one sample lies beside another: Hodges and Lehmann's estimate, the median of all
// differences a − b, with the interval that the rank sum test would not reject (Moses).
//
//   d(1) ≤ … ≤ d(k) … ≤ d(mn+1−k) ≤ … ≤ d(mn)      k from the exact distribution of U without ties

import { quantile, sorted } from "./quantile.ts";

export interface Shift {
  readonly shift: number;
  readonly low: number;
  readonly high: number;
  /** What the interval really has; less than asked for where the samples are too small. */
  readonly confidence: number;
}

export function shift(a: readonly number[], b: readonly number[], confidence = 0.95): Shift {
  const differences = sorted(a.flatMap((x) => b.map((y) => x - y)));
  const pairs = differences.length;
  if (pairs === 0) {
    return { shift: Number.NaN, low: Number.NaN, high: Number.NaN, confidence: Number.NaN };
  }
  const counts = countsOfU(a.length, b.length);
  const all = counts.reduce((sum, count) => sum + count, 0);
  // The largest k with P(U ≤ k − 1) ≤ (1 − confidence) / 2, at least 1.
  let k = 1;
  let tail = (counts[0] ?? 0) / all;
  while (2 * (k + 1) <= pairs) {
    const next = tail + (counts[k] ?? 0) / all;
    if (next > (1 - confidence) / 2) break;
    tail = next;
    k++;
  }
  return {
    shift: quantile(differences, 0.5),
    low: differences[k - 1] ?? Number.NaN,
    high: differences[pairs - k] ?? Number.NaN,
    confidence: Math.max(0, 1 - 2 * tail),
  };
}

/** Ways to get each U from 0 to mn without ties: the coefficients of the Gaussian binomial. */
function countsOfU(m: number, n: number): Float64Array {
  const pairs = m * n;
  const counts = new Float64Array(pairs + 1);
  counts[0] = 1;
  for (let i = 1; i <= m; i++) {
    // times (1 − q^(n+i)), then divided by (1 − q^i)
    for (let u = pairs; u >= n + i; u--) counts[u] = (counts[u] ?? 0) - (counts[u - n - i] ?? 0);
    for (let u = i; u <= pairs; u++) counts[u] = (counts[u] ?? 0) + (counts[u - i] ?? 0);
  }
  return counts;
}
