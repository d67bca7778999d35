// What another machine's CLOCK_MONOTONIC reads, by round trips over a session that is open anyway.
//
//   ours    sent ────────── middle ────────── received       the shortest round trip counts
//   theirs           at                        offset = at - middle, right to half of the trip
//
// Whatever queues did on the way, the answer was read between sent and received: the bound holds.
// No NTP is needed, and nobody steps this clock. It drifts, hence a measurement before and after
// a trial.

/** One question and its answer, ns: two readings of our clock and one of theirs. */
export interface RoundTrip {
  readonly sent: number;
  readonly at: number;
  readonly received: number;
}

export interface ClockEstimate {
  /** Theirs less ours. */
  readonly offset_ns: number;
  /** The offset is right within so much. */
  readonly bound_ns: number;
  /** The shortest round trip. */
  readonly rtt_ns: number;
}

/** Null: no round trip was whole. */
export function estimateClock(trips: readonly RoundTrip[]): ClockEstimate | null {
  let best: RoundTrip | null = null;
  for (const trip of trips) {
    if (trip.received < trip.sent) continue;
    if (best === null || trip.received - trip.sent < best.received - best.sent) best = trip;
  }
  if (best === null) return null;
  const rtt = best.received - best.sent;
  return { offset_ns: best.at - (best.sent + rtt / 2), bound_ns: rtt / 2, rtt_ns: rtt };
}

/** Of a measurement before and one after: the middle, with a bound that holds both. */
export function joinEstimates(before: ClockEstimate, after: ClockEstimate): ClockEstimate {
  const low = Math.min(before.offset_ns - before.bound_ns, after.offset_ns - after.bound_ns);
  const high = Math.max(before.offset_ns + before.bound_ns, after.offset_ns + after.bound_ns);
  return {
    offset_ns: (low + high) / 2,
    bound_ns: (high - low) / 2,
    rtt_ns: Math.min(before.rtt_ns, after.rtt_ns),
  };
}

/** A load's measured time, in ns of one clock. */
export interface Window {
  readonly from: number;
  readonly to: number;
}

/** How well windows lie over each other: from the first begin to the last, and what is common. */
export function startOf(windows: readonly Window[]): { spread_ns: number; overlap: number } | null {
  if (windows.length === 0) return null;
  const from = windows.map((one) => one.from);
  const latest = Math.max(...from);
  const longest = Math.max(...windows.map((one) => one.to - one.from));
  const common = Math.max(0, Math.min(...windows.map((one) => one.to)) - latest);
  return {
    spread_ns: latest - Math.min(...from),
    overlap: longest <= 0 ? 0 : common / longest,
  };
}
