// Was the rate steady while it was measured? fio's two tests over the whole measured time: no interval
// strays far from the mean, and the line through the intervals is nearly level. Reported, never
// assumed; a run that is not steady is still printed, with the word beside it.

/** Shares of the mean; fio's `iops:20%` and `iops_slope:5%` would be these. */
export interface SteadyLimits {
  readonly deviation: number;
  readonly drift: number;
}

/** Wide, since runs here last seconds and the machine is shared. */
const LIMITS: SteadyLimits = { deviation: 0.2, drift: 0.1 };
const FEWEST = 5;

export interface SteadyState {
  /** null: too few intervals to say. */
  readonly steady: boolean | null;
  readonly intervals: number;
  readonly mean: number;
  /** The largest distance of an interval from the mean, as a share of the mean. */
  readonly deviation: number;
  /** How far the fitted line moves from the first to the last interval, as a share of the mean. */
  readonly drift: number;
  readonly limits: SteadyLimits;
}

/** `rates`: one figure for each of equally long intervals. */
export function steadyState(rates: readonly number[], limits = LIMITS): SteadyState {
  const n = rates.length;
  const mean = n === 0 ? 0 : rates.reduce((sum, rate) => sum + rate, 0) / n;
  if (n < FEWEST || mean === 0) {
    return { steady: null, intervals: n, mean, deviation: 0, drift: 0, limits };
  }
  const middle = (n - 1) / 2;
  let deviation = 0;
  let covariance = 0;
  let variance = 0;
  rates.forEach((rate, index) => {
    deviation = Math.max(deviation, Math.abs(rate - mean) / mean);
    covariance += (index - middle) * (rate - mean);
    variance += (index - middle) ** 2;
  });
  const drift = ((covariance / variance) * (n - 1)) / mean;
  const steady = deviation <= limits.deviation && Math.abs(drift) <= limits.drift;
  return { steady, intervals: n, mean, deviation, drift, limits };
}
