// Holm's step-down adjustment: p values of many cells such that "any at all below 5 %" is wrong in at
// most 5 % of comparisons, whatever depends on what.

/** Adjusted p values in the order given. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, index) => index).sort((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0));
  const adjusted = new Array<number>(ps.length).fill(0);
  let least = 0;
  order.forEach((index, step) => {
    least = Math.max(least, Math.min(1, (ps.length - step) * (ps[index] ?? 0)));
    adjusted[index] = least;
  });
  return adjusted;
}
