// Order statistics of a sample.

/** A sorted copy. */
export function sorted(sample: readonly number[]): number[] {
  return [...sample].sort((a, b) => a - b);
}

/** Of an already sorted sample, interpolated as numpy's default and R's type 7; NaN when empty. */
export function quantile(ascending: readonly number[], fraction: number): number {
  const place = fraction * (ascending.length - 1);
  const below = Math.floor(place);
  const low = ascending[below];
  if (low === undefined) return Number.NaN;
  // Not interpolated: beside an infinite value 0 times the distance would be no number.
  if (place === below) return low;
  const high = ascending[below + 1] ?? low;
  return low + (place - below) * (high - low);
}

/** NaN when empty. */
export function median(sample: readonly number[]): number {
  return quantile(sorted(sample), 0.5);
}
