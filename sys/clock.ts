// Time as a number of nanoseconds: CLOCK_MONOTONIC, so that two processes on one machine agree, and
// exact while the machine has been up for less than 104 days (2^53 ns), within 2 ns for 208.

import { libc } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({ clock_gettime: { args: ["i32", "ptr"], returns: "i32" } });

const CLOCK_REALTIME = 0;
const CLOCK_MONOTONIC = 1;
const CLOCK_MONOTONIC_COARSE = 6;
const SECOND = 1e9;

/** One struct timespec: seconds as two 32-bit halves, then nanoseconds. */
const memory = mapMemory(16);
const timespec = new Int32Array(memory.bytes.buffer, 0, 4);

/** Monotonic nanoseconds; 28 ns a call, allocates nothing. */
export function now(): number {
  c.clock_gettime(CLOCK_MONOTONIC, timespec);
  return seconds() * SECOND + (timespec[2] ?? 0);
}

/** Whole seconds of the same clock, as of the kernel's last tick; 8 ns a call. */
export function coarseSeconds(): number {
  c.clock_gettime(CLOCK_MONOTONIC_COARSE, timespec);
  return (timespec[0] ?? 0) >>> 0;
}

/** A wall-clock instant, split so that no nanosecond is lost to rounding (an epoch in ns is beyond 2^53). */
export interface WallClock {
  /** Seconds since 1970. */
  readonly seconds: number;
  /** 0 … 999,999,999. */
  readonly nanoseconds: number;
}

/** Where the wall clock stood when the monotonic clock stood at zero: what turns `now()` into a date. */
export function wallClockAtZero(): WallClock {
  const before = now();
  c.clock_gettime(CLOCK_REALTIME, timespec);
  const wall = { seconds: seconds(), nanoseconds: timespec[2] ?? 0 };
  const after = now();
  return addNanoseconds(wall, -Math.round((before + after) / 2));
}

/** The instant `ns` (negative: before) from `from`; `addNanoseconds(wallClockAtZero(), at)` dates a frame. */
export function addNanoseconds(from: WallClock, ns: number): WallClock {
  const whole = Math.floor(ns / SECOND);
  const nanoseconds = from.nanoseconds + (ns - whole * SECOND);
  const carry = nanoseconds >= SECOND ? 1 : 0;
  return { seconds: from.seconds + whole + carry, nanoseconds: nanoseconds - carry * SECOND };
}

/** Seconds since 1970 when `now()` was 0: what the times of a capture count from. */
export function epochSeconds(): number {
  const zero = wallClockAtZero();
  return zero.seconds + zero.nanoseconds / SECOND;
}

/** The wall clock, ms since 1970. */
export function wallMilliseconds(): number {
  const { seconds, nanoseconds } = addNanoseconds(wallClockAtZero(), now());
  return Math.floor(seconds * 1e3 + nanoseconds / 1e6);
}

function seconds(): number {
  return (timespec[1] ?? 0) * 0x1_0000_0000 + ((timespec[0] ?? 0) >>> 0);
}
