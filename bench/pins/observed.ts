// What was seen of an interface: each frame's transmit and its release, and what was received
// meanwhile.

/**
 *   idle    one frame on an idle line, and nothing behind it until it is released or patience ends
 *   steady  frames at an even rate
 *   burst   frames at once, but the last
 *   last    the last of a burst: the one that waits for the next transmit, or for a timer
 */
export const PHASES = ["idle", "steady", "burst", "last"] as const;
export type Phase = (typeof PHASES)[number];

export interface Send {
  readonly at: number;
  /** Bytes, Ethernet header included. */
  readonly length: number;
  readonly phase: Phase;
  /** The last look at which it was held; `at` where there was none. */
  readonly heldAt: number;
  /** The look that found it released; null: none did. */
  readonly released: number | null;
}

export interface Observed {
  /** In the order of their times. */
  readonly sends: readonly Send[];
  /** When something came in, ns, in order. */
  readonly receives: readonly number[];
  /** When the watch ended, ns. */
  readonly until: number;
  /** How often was looked: the median time between two looks, ns. */
  readonly resolution: number;
}

/** How long each was held, ns; one that was not released until the watch ended. */
export function holds({ sends, until }: Observed): number[] {
  return sends.map(({ at, released }) => (released ?? until) - at);
}

/** How many were released at each look that released any. */
export function groups({ sends }: Observed): number[] {
  const sizes = new Map<number, number>();
  for (const { released } of sends) {
    if (released !== null) sizes.set(released, (sizes.get(released) ?? 0) + 1);
  }
  return [...sizes.values()];
}
