// Searches over a job whose one key is varied: the smallest sufficient cap, and the highest rate within a latency limit.
//
//   cap     peak = the rate with the largest cap; halving between 0 and it: the smallest cap whose rate is at
//           least `keep` of the peak
//   rate    doubling until p99 is over the limit (or the rate can't be kept), then halving in between: the
//           highest rate whose p99 stays under it
//
// Both take the answers to be ordered: where a cap is enough, a larger one is too. A measurement that says
// otherwise is noise; the search goes on with what it was told, and every step stands in the answer.

export interface Step {
  /** The value tried. */
  readonly value: number;
  /** What was measured there; null: no data. */
  readonly figure: number | null;
  readonly enough: boolean;
}

export interface Found {
  /** null: not even the end of the range will do. */
  readonly value: number | null;
  readonly steps: readonly Step[];
}

export type Probe = (value: number) => Promise<Omit<Step, "value">>;

/** The least value from 0 to `most` at which `probe` says enough; `most` itself was found to be. */
export async function least(most: number, probe: Probe): Promise<Found> {
  const steps: Step[] = [];
  let [low, high] = [-1, most];
  while (high - low > 1) {
    const value = (low + high) >> 1;
    const answer = await probe(value);
    steps.push({ value, ...answer });
    if (answer.enough) high = value;
    else low = value;
  }
  return { value: high, steps };
}

/** The highest value at which `probe` says enough, to `grain` (a share); it starts at `from` and doubles. */
export async function highest(
  from: number,
  most: number,
  grain: number,
  probe: Probe,
): Promise<Found> {
  const steps: Step[] = [];
  const look = async (value: number): Promise<boolean> => {
    const answer = await probe(value);
    steps.push({ value, ...answer });
    return answer.enough;
  };
  let good = 0;
  let bad = most + 1;
  for (let value = from; value <= most; value *= 2) {
    if (await look(value)) good = value;
    else {
      bad = value;
      break;
    }
  }
  if (good === 0) return { value: null, steps };
  while (bad <= most && (bad - good) / good > grain) {
    const value = Math.round((good + bad) / 2);
    if (await look(value)) good = value;
    else bad = value;
  }
  return { value: good, steps };
}
