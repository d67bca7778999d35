// When commands are due. Closed loop: as soon as one of `iodepth` is free. Open loop: by the clock,
// whether or not the target keeps up; a command that waits for a free slot is late by that wait, and
// its latency counts from when it was DUE (wrk2's lesson: else a stall hides the commands it delayed).

import { S } from "../../words/quantity.ts";
import type { Random } from "../../words/random.ts";

export const PROCESSES = ["linear", "poisson"] as const;
export type Process = (typeof PROCESSES)[number];

export interface Arrivals {
  /** When the next command is due, ns; -Infinity: whenever there is room. Stays until `take`. */
  readonly due: number;
  /** The command that was due has been taken: go on to the one after. */
  take(): void;
}

/** Closed loop: always due. */
export class AsRoomAllows implements Arrivals {
  readonly due = Number.NEGATIVE_INFINITY;
  take(): void {}
}

/** Open loop at an even pace. Counted from the start, so that no rounding adds up. */
export class Linear implements Arrivals {
  due: number;
  readonly #start: number;
  readonly #gap: number;
  #taken = 0;

  constructor(perSecond: number, start: number) {
    this.#start = start;
    this.#gap = S / perSecond;
    this.due = start;
  }

  take(): void {
    this.#taken++;
    this.due = this.#start + this.#taken * this.#gap;
  }
}

/** Open loop with independent arrivals: gaps are exponential. */
class Poisson implements Arrivals {
  due: number;
  readonly #gap: number;
  readonly #random: Random;

  constructor(perSecond: number, start: number, random: Random) {
    this.#gap = S / perSecond;
    this.#random = random;
    this.due = start;
    this.take();
  }

  take(): void {
    // 1 − u is never 0, so the logarithm is finite.
    this.due -= this.#gap * Math.log(1 - this.#random.float());
  }
}

/** `rateIops` 0: closed loop. */
export function createArrivals(
  rateIops: number,
  process: Process,
  start: number,
  random: Random,
): Arrivals {
  if (rateIops === 0) return new AsRoomAllows();
  if (process === "linear") return new Linear(rateIops, start);
  return new Poisson(rateIops, start, random.fork("arrivals"));
}
