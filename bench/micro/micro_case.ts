// One micro-benchmark: what it is called, what one call does, and, where something was promised, its bar.

import { measure } from "mitata";

/** Columns of a case's figures, ns. */
export function figuresOf({ median_ns, least_ns }: Cost): string {
  return [median_ns, least_ns].map((ns) => ns.toFixed(1).padStart(8)).join("");
}

export interface MicroCase {
  readonly name: string;
  /** What one call is, in words. */
  readonly about: string;
  /** One call may take so long at the median, ns. */
  readonly bar_ns?: number;
  /** Makes the state, in its steady shape, and returns the call; it takes a running number. */
  readonly make: () => (call: number) => void;
}

export interface Cost {
  readonly least_ns: number;
  readonly median_ns: number;
}

/** What one call of `work` takes; `seconds` of measuring. */
export async function costOf(work: () => void, seconds: number): Promise<Cost> {
  // A first call that is slow, as one that is still to be compiled may be, makes mitata time each call alone, with the
  // clock's own cost in it.
  const patient = { min_cpu_time: seconds * 1e9, warmup_threshold: Number.POSITIVE_INFINITY };
  const { min, p50 } = await measure(work, patient);
  return { least_ns: min, median_ns: p50 };
}

/** `work` with its running number counted up, as `costOf` takes it. */
export function counted(work: (call: number) => void): () => void {
  let call = 0;
  return () => {
    call = (call + 1) | 0;
    work(call);
  };
}
