// Mann and Whitney's U: does one sample tend to be larger than the other? No distribution assumed.
//
// U counts the pairs (a, b) with a > b, ties as a half. Under "no difference" each way of choosing
// which of the m + n values are a's is equally likely; the exact distribution of U counts those ways,
// with the ties that are there (scipy's exact method ignores ties; its permutation method agrees with
// ours). Where the counting would be long, the normal approximation with ties and continuity.

import { sorted } from "./quantile.ts";

export interface RankSum {
  /** Pairs in which the first sample's value is larger; ties count a half. */
  readonly u: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: "exact" | "normal";
}

/** Work of the exact count, in additions: values × chosen × twice the largest rank sum. */
const MOST_WORK = 2e7;

/** NaN for an empty side. */
export function rankSum(a: readonly number[], b: readonly number[]): RankSum {
  const m = a.length;
  const n = b.length;
  if (m === 0 || n === 0) return { u: Number.NaN, p: Number.NaN, method: "exact" };
  const ranks = doubledRanks([...a, ...b]);
  let doubled = 0;
  for (let i = 0; i < m; i++) doubled += ranks[i] ?? 0;
  const u = (doubled - m * (m + 1)) / 2;
  const total = m + n;
  const exact = total * m * total * (total + 1) <= MOST_WORK;
  return exact
    ? { u, p: exactP(ranks, m, doubled), method: "exact" }
    : { u, p: normalP(ranks, m, n, u), method: "normal" };
}

/** Twice the mid-rank of each value: whole numbers, also with ties. */
function doubledRanks(values: readonly number[]): number[] {
  const ascending = sorted(values);
  const rank = new Map<number, number>();
  for (let start = 0; start < ascending.length;) {
    const value = ascending[start] ?? 0;
    let end = start;
    while (ascending[end] === value) end++;
    rank.set(value, start + 1 + end);
    start = end;
  }
  return values.map((value) => rank.get(value) ?? 0);
}

/** Twice the smaller tail, at most 1. */
function exactP(ranks: readonly number[], m: number, observed: number): number {
  const most = ranks.reduce((sum, rank) => sum + rank, 0);
  // ways[chosen][sum]: how many subsets of the values so far have that size and that doubled rank sum.
  const ways = Array.from({ length: m + 1 }, () => new Float64Array(most + 1));
  const none = ways[0];
  if (none !== undefined) none[0] = 1;
  for (const rank of ranks) {
    for (let chosen = m; chosen >= 1; chosen--) {
      const to = ways[chosen];
      const from = ways[chosen - 1];
      if (to === undefined || from === undefined) continue;
      for (let sum = most; sum >= rank; sum--) to[sum] = (to[sum] ?? 0) + (from[sum - rank] ?? 0);
    }
  }
  let below = 0;
  let above = 0;
  let all = 0;
  const final = ways[m] ?? new Float64Array(0);
  for (let sum = 0; sum <= most; sum++) {
    const count = final[sum] ?? 0;
    all += count;
    if (sum <= observed) below += count;
    if (sum >= observed) above += count;
  }
  return Math.min(1, (2 * Math.min(below, above)) / all);
}

function normalP(ranks: readonly number[], m: number, n: number, u: number): number {
  const total = m + n;
  const ties = new Map<number, number>();
  for (const rank of ranks) ties.set(rank, (ties.get(rank) ?? 0) + 1);
  let tied = 0;
  for (const t of ties.values()) tied += t ** 3 - t;
  const deviation = Math.sqrt(((m * n) / 12) * (total + 1 - tied / (total * (total - 1))));
  if (deviation === 0) return 1;
  const z = Math.max(0, Math.abs(u - (m * n) / 2) - 0.5) / deviation;
  return Math.min(1, 2 * upperNormal(z));
}

/** P(Z > z) for z ≥ 0: the continued fraction far out, the series near 0. */
export function upperNormal(z: number): number {
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z > 3) {
    let fraction = z;
    for (let k = 100; k >= 1; k--) fraction = z + k / fraction;
    return density / fraction;
  }
  let term = z;
  let sum = z;
  for (let k = 1; k < 100; k++) {
    term *= (z * z) / (2 * k + 1);
    sum += term;
  }
  return 0.5 - density * sum;
}
