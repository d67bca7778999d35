// Little's law: mean number inside = rate of arrival × mean time inside. Both sides are measured on
// ways of their own (the clocked occupancy, and the sums of each command's times), so a command that
// was counted twice, lost, or timed wrongly shows.

export interface LittlesLaw {
  readonly occupancy: number;
  /** throughput (per second) × mean time (s). */
  readonly product: number;
  /** product / occupancy − 1; 0 where both are 0. */
  readonly error: number;
  readonly tolerance: number;
  readonly holds: boolean;
}

/**
 * `completed` commands in `elapsed` ns took `totalTime` ns together; `area` is occupancy × ns.
 * Commands that straddle an end of the measured time are in one side only, for as long as they are
 * long: `edge` (commands × ns) is the most that can make, and widens the tolerance of 1 %.
 */
export function littlesLaw(
  completed: number,
  elapsed: number,
  totalTime: number,
  area: number,
  edge: number,
): LittlesLaw {
  const occupancy = elapsed === 0 ? 0 : area / elapsed;
  const product =
    elapsed === 0 || completed === 0 ? 0 : (completed / elapsed) * (totalTime / completed);
  const tolerance = 0.01 + (area === 0 ? 0 : edge / area);
  const error =
    occupancy === 0 ? (product === 0 ? 0 : Number.POSITIVE_INFINITY) : product / occupancy - 1;
  return { occupancy, product, error, tolerance, holds: Math.abs(error) <= tolerance };
}
