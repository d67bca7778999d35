// The simulated clock: time stands still while cores work and moves only when somebody waits.
//
//   wait(deadline) ──▶ now = the earlier of `deadline` and the next event that a source announced
//
// A source is whatever makes something happen by itself: a frame under way on a memory link. Events
// only end a wait, once each; what is still to be done after it, a core's or link's `nextDeadline`
// says. A run in which cores, links and randomness depend on nothing else is the same run for ever.

import { createDeadlines, type Deadlines } from "./deadlines.ts";
import { type Core, nextDeadline, iterate } from "./loop.ts";
import type { Waiter } from "./waiter.ts";

export interface VirtualClock extends Waiter {
  /** A new source of events: dense from 0. */
  source(): number;
  /** The next event of `source` comes at `at` (ns), in place of the one before; Infinity: none. */
  expect(source: number, at: number): void;
  /** The earliest event that no wait has met yet; Infinity: none. */
  nextEvent(): number;
  /** Where `runVirtual` notes when each of so many cores is due: the same array each time, since it allocates nothing. */
  dues(cores: number): Float64Array;
}

/** A clock that shows `start` (ns). A wait that nothing could ever end throws: a real one would hang. */
export function createVirtualClock(start = 0): VirtualClock {
  return new Clock(start);
}

/** Whether sources can announce events to this waiter. */
export function isVirtual(waiter: Waiter): waiter is VirtualClock {
  return "expect" in waiter;
}

class Clock implements VirtualClock {
  private time: number;
  private awake = false;
  private sources = 0;
  private readonly events: Deadlines = createDeadlines(16);
  private due = new Float64Array(8);

  constructor(start: number) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  wait(deadline: number): void {
    if (this.awake) {
      this.awake = false;
      return;
    }
    const next = Math.min(deadline, this.events.next());
    if (next === Infinity) throw new Error("invariant: a wait under the virtual clock ends");
    if (next > this.time) this.time = next;
    while (this.events.pop(this.time) >= 0);
  }

  wake(): void {
    this.awake = true;
  }

  source(): number {
    return this.sources++;
  }

  expect(source: number, at: number): void {
    this.events.set(source, at);
  }

  nextEvent(): number {
    return this.events.next();
  }

  dues(cores: number): Float64Array {
    if (cores > this.due.length) this.due = new Float64Array(2 * cores);
    return this.due;
  }
}

/** Iterations at one instant after which time is taken to stand still: a core that never clears what is due. */
const ITERATIONS_AT_ONE_INSTANT = 100_000;

/**
 * Drives `cores` until `until()` is true (returns true), or until nothing is left to happen by
 * `deadline` (ns; returns what `until()` says then). At each instant the cores with something due get
 * one iteration each, in their order, and again while any of them is due. The clock ends at `deadline` where one is given
 * and `until` never came true.
 *
 * What is submitted to a core from outside is seen because `nextDeadline` then says so, as in any
 * other loop that sleeps.
 */
export function runVirtual(
  cores: readonly Core[],
  clock: VirtualClock,
  until: () => boolean,
  deadline = Infinity,
): boolean {
  // The first round gives every core an iteration: whatever was submitted before it starts goes out.
  for (const core of cores) iterate(core, clock.now());
  const due = clock.dues(cores.length);
  let iterations = 0;
  while (!until()) {
    let next = Infinity;
    for (let i = 0; i < cores.length; i++) {
      const at = nextDeadline(cores[i] as Core);
      due[i] = at;
      if (at < next) next = at;
    }
    const now = clock.now();
    if (next > now) {
      if (next > deadline || next === Infinity) {
        while (clock.now() < deadline && deadline < Infinity) clock.wait(deadline);
        return until();
      }
      clock.wait(next);
      iterations = 0;
    } else if (++iterations > ITERATIONS_AT_ONE_INSTANT) {
      throw new Error(`invariant: time moves on (it stands at ${now} ns: a core stays due)`);
    }
    const present = clock.now();
    // An iteration of one core can make a later one due, and only that: until then `due` holds.
    let changed = false;
    for (let i = 0; i < cores.length; i++) {
      const core = cores[i] as Core;
      if ((due[i] as number) > present && !(changed && nextDeadline(core) <= present)) continue;
      iterate(core, present);
      changed = true;
    }
  }
  return true;
}
