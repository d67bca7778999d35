// The geometric mean of ratios: the one mean for which "twice as fast" and "half as fast" cancel.

/** NaN for an empty list, or where a ratio is not a positive finite number. */
export function geomean(ratios: readonly number[]): number {
  let sum = 0;
  for (const ratio of ratios) {
    if (!(ratio > 0) || !Number.isFinite(ratio)) return Number.NaN;
    sum += Math.log(ratio);
  }
  return ratios.length === 0 ? Number.NaN : Math.exp(sum / ratios.length);
}
