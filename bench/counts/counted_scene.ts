// What is counted: one side at work, beside a far end that makes nothing itself.

import type { Link } from "../../link/link.ts";

/** Commands of which the counts are told: a thing done once in a hundred commands shows. */
export const COMMANDS = 250;

export interface Ends {
  /** Of the side that is counted. */
  readonly near: Link;
  readonly far: Link;
  /** ns; it moves by `tick` alone. */
  now(): number;
  /** So many ns go by. */
  tick(ns: number): void;
  /** Returns when a frame that one of them has sent the other is there. */
  arrive(from: Link, to: Link): void;
  close(): void;
}

/** The time of all that is counted, which a scene moves; ns. */
export interface SetClock {
  now(): number;
  set(now: number): void;
}

/** Open while the counted side works. */
export interface Gate {
  open: boolean;
}

export interface Scene {
  /** Of commands one after the other. */
  run(commands: number): void;
}
