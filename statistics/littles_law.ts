// Little's law: mean number inside = rate of arrival × mean time inside. Both sides are measured on
// ways of their own (the clocked occupancy, and the sums of each command's times), so a command that
// was counted twice, lost, or timed wrongly shows.

export interface LittlesLaw {
  readonly occupancy: number;
  /** Throughput × mean time. */
  readonly product: number;
  /** product / occupancy − 1; 0 where both are 0. */
  readonly error: number;
  readonly tolerance: number;
  readonly holds: boolean;
}

/** Relative. Both sides go by the same times of submit and arrival: what parts them by more is no rounding. */
const TOLERANCE = 0.01;

/**
 * `area`: occupancy × ns over `elapsed` ns. `totalTime`: Σ of each command's ns inside, cut at the ends
 * of the measured time for those that straddle them.
 */
export function littlesLaw(elapsed: number, totalTime: number, area: number): LittlesLaw {
  const occupancy = elapsed === 0 ? 0 : area / elapsed;
  const product = elapsed === 0 ? 0 : totalTime / elapsed;
  const nothing = product === 0 ? 0 : Number.POSITIVE_INFINITY;
  const error = occupancy === 0 ? nothing : product / occupancy - 1;
  return { occupancy, product, error, tolerance: TOLERANCE, holds: Math.abs(error) <= TOLERANCE };
}
