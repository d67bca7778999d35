// The loop of a real process: iterations of link/loop.ts, and between them spinning, sleeping, or Bun's own event
// loop.
//
//   iterate ─ frames? ─ yes ─▶ iterate (frugal, after one frame, where no other waits: sleep)
//                └ no ─▶ spin (iterate without sleeping) ─ used up ─▶ sleep until the next deadline ─▶ iterate
//   every 5 ms, and after a wait that brought no frame: setImmediate, for signals, promises, progress
//
// Spinning pays only where the next frame comes within tens of microseconds, about what waking up
// costs. So the spin is as long as frames have lately been worth waiting for: a frame that came while
// spinning lengthens it, a spin in vain halves it, down to none; a sleep so short that most of it may
// have been the waking up (just missed) brings it back whole.
//
// What a spin waits for may be the work of a process that waits for this very CPU: a client of our own, the other end
// on a machine with fewer CPUs than processes. So a spin that outlasts what an end on another CPU takes to answer
// offers the CPU at each further iteration. A process that took it for long (a time slice of the scheduler is 3 ms)
// works at something else: the next offer waits, twice as long each time that this happens in a row, and until then the CPU is
// shared as the scheduler shares it among all.

import { drainMicrotasks } from "bun:jsc";

import { type Core, frameWaits, nextDeadline, iterate } from "./loop.ts";
import type { Waiter } from "./waiter.ts";

export const DRIVE_MODES = ["low-latency", "throughput", "frugal"] as const;

/**
 * `low-latency` spins up to 50 µs and sleeps up to 50 ms at a time; `throughput` spins up to 20 µs;
 * `frugal` never spins and sleeps up to 200 ms.
 */
export type DriveMode = (typeof DRIVE_MODES)[number];

const LONGEST_SPIN = { "low-latency": 50e3, throughput: 20e3, frugal: 0 } as const;
/** ns. Idle CPU with slices of 10 ms 1.1 %, 50 ms 0.5 %, 100 ms 0.4 %, measured. */
const SLICE = { "low-latency": 50e6, throughput: 100e6, frugal: 200e6 } as const;
const SHORTEST_SPIN = 2e3;
/** How long a spin keeps the CPU to itself, ns: about a round trip with nothing outstanding. */
const ALONE = 5e3;
/** An offer that took longer went to somebody who works at something else, ns. */
const TAKEN = 500e3;
/** How long the next offer waits then, ns: at first and at most. */
const NO_OFFER = 5e6;
const LONGEST_NO_OFFER = 320e6;
/**
 * A sleep shorter than so many longest spins was just missed: waking up takes 50 to 110 µs on a virtual
 * machine, so a limit of one longest spin was never met there, and the spin, once gone, did not come back.
 */
const JUST_MISSED = 4;
/** How often Bun's own loop runs while this one is busy, ns. */
const YIELD_EVERY = 5e6;
/** Of `lookEvery`, where nothing else is said, ns. */
const LOOK_EVERY = 20e3;

export interface DriveOptions {
  readonly core: Core;
  /** Its links' fds must have been added to it. `look`, where it has one, serves other descriptors without waiting. */
  readonly waiter: Waiter & { look?(): number };
  /** Asked after each iteration; true ends the drive. */
  readonly until: () => boolean;
  /** `low-latency` unless told. */
  readonly mode?: DriveMode;
  /** Longest sleep, ns, if not the mode's: how late a timer, a file or a signal of Bun's own loop may be served. */
  readonly slice?: number;
  /**
   * Runs promise reactions after each iteration that brought frames, so that a caller who awaits an answer
   * goes on at once and not at the next yield. Off: what a core without promises wants.
   */
  readonly settle?: boolean;
  /**
   * How often descriptors other than the links' are looked at while this loop is busy, ns; 20 µs. 0:
   * after each iteration, for a process that answers them as fast as frames.
   */
  readonly lookEvery?: number;
  /**
   * Asked after each iteration; false: nothing that is worth spinning for is under way, so sleep at once. For
   * who serves processes of this host: they need the CPU to say more. Not given: always true.
   */
  readonly expecting?: () => boolean;
}

/** Runs `core` until `until()` says true. */
export async function drive(options: DriveOptions): Promise<void> {
  const { core, waiter, until, mode = "low-latency", settle = false } = options;
  const longestSpin = LONGEST_SPIN[mode];
  const slice = options.slice ?? SLICE[mode];
  const { lookEvery = LOOK_EVERY, expecting = always } = options;
  let spin: number = longestSpin;
  let at = waiter.now();
  let yielded = at;
  let looked = at;
  /** Since when there were no frames. */
  let quiet = at;
  /** A sleep has ended and brought no frame: it may have been a signal. */
  let sleptInVain = false;
  let offerAt = Number.NEGATIVE_INFINITY;
  let noOffer = NO_OFFER;
  for (;;) {
    let events = iterate(core, at);
    if (events > 0 && settle) drainMicrotasks();
    if (until()) return;
    at = waiter.now();
    const expects = expecting();
    // Before a sleep nothing is looked at here: `wait` does that.
    if ((expects || frameWaits(core)) && at - looked >= lookEvery && waiter.look !== undefined) {
      looked = at;
      events += waiter.look();
    }
    if (events > 0) {
      if (at > quiet) spin = Math.min(longestSpin, spin * 2);
      quiet = at;
      sleptInVain = false;
    }
    // Frugal mode sleeps right after an iteration that brought one frame, unless the next one waits already. Where
    // frames come by the dozen another iteration, in which one may come, is cheaper than a sleep.
    const idle =
      !expects || (longestSpin === 0 && events <= 1) || (events === 0 && at - quiet >= spin);
    if (at - yielded >= YIELD_EVERY || (idle && sleptInVain)) {
      await eventLoop();
      if (until()) return;
      yielded = at = waiter.now();
    }
    if (!idle) {
      if (events > 0 || at - quiet <= ALONE || at < offerAt || waiter.yield === undefined) continue;
      // The process that takes the CPU may keep it past a deadline that spinning would meet.
      if (nextDeadline(core) - at <= longestSpin) continue;
      waiter.yield();
      const back = waiter.now();
      if (back - at <= TAKEN) {
        noOffer = Math.max(NO_OFFER, noOffer / 2);
      } else {
        offerAt = back + noOffer;
        noOffer = Math.min(LONGEST_NO_OFFER, 2 * noOffer);
      }
      at = back;
      continue;
    }
    // It came during the iteration: to sleep and be woken at once costs more than another one.
    if (frameWaits(core)) continue;
    const deadline = nextDeadline(core);
    // A deadline within reach is met by spinning: the kernel's timer would be tens of microseconds late.
    if (deadline - at <= longestSpin) continue;
    if (expects && spin > 0) spin = spin < 2 * SHORTEST_SPIN ? 0 : spin / 2;
    const asleep = at;
    // Awake early enough to spin to it: for the same reason.
    waiter.wait(Math.min(deadline - longestSpin, asleep + slice));
    quiet = looked = at = waiter.now();
    sleptInVain = true;
    if (at - asleep < JUST_MISSED * longestSpin) spin = longestSpin;
  }
}

function always(): boolean {
  return true;
}

function eventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
