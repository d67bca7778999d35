// Little's law: the mean number of buffers out with commands equals the rate at which they come back
// times the mean time they were out.
//
//   occupancy  ┌────┬───────┐       the area under the curve, as a time-weighted level counts it,
//           ┌──┘ b  │   c   └──┐    and the same area as the sum of each buffer's hold: counted
//        ───┴───────┴──────────┴─   apart, so that a slip in either shows
//
// Holds cut by an end of the window (commands out at `markWarm`, or out still) are known too, so the two
// areas agree but for rounding. `ratio` leaves them out, as the law itself does: it tends to 1.
import type { PoolSnapshot } from "./snapshot.ts";

export interface LittlesLaw {
  readonly mean_occupancy: number;
  readonly releases_per_s: number;
  /** null: none came back. */
  readonly mean_hold_ns: number | null;
  /** releases per ns × mean hold ÷ mean occupancy; 1 where nothing was out. */
  readonly ratio: number;
  /** Whether the two areas agree, cut holds included. */
  readonly holds: boolean;
}

/** Relative error that summing millions of doubles may leave. */
const ROUNDING = 1e-6;

/** Over the time that `snapshot` covers: since `markWarm`, or the pool's first use. */
export function littlesLaw(snapshot: PoolSnapshot): LittlesLaw {
  const { mean, duration_ns } = snapshot.occupancy;
  const { count, sum_ns, mean_ns } = snapshot.hold_ns;
  const area = mean * duration_ns;
  const whole = sum_ns + snapshot.hold_open_ns - snapshot.hold_before_ns;
  return {
    mean_occupancy: mean,
    releases_per_s: duration_ns === 0 ? 0 : (count * 1e9) / duration_ns,
    mean_hold_ns: mean_ns,
    ratio: area === 0 ? 1 : sum_ns / area,
    holds: Math.abs(area - whole) <= ROUNDING * Math.max(1, area),
  };
}
