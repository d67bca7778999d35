// Quantities as people write them: durations, sizes, rates, probabilities, integers.
//
//   duration     50us  1ms  2s  1.5ms  2m  1h     ns; a bare number is an error, 0 included
//   size         512  4k = 4096  64m  10g  1.5g   bytes; K, kb, kib mean 1024 like k
//   rate         1000iops  100m                   commands or bytes per second
//   probability  0.1%  0.001                      0 to 1; always is 100%, since a bare 1 may mean 1%
//   integer      0  16  -3                        decimal, no exponent
//
// Each parser takes `what`, the option's or key's name for the error sentence, and throws the
// usage Failure of words/failure.ts. Each format function writes what its parser reads back, rounded
// to four significant digits.

import { expected } from "./failure.ts";

/** Nanoseconds in a microsecond, a millisecond, a second. */
export const US = 1e3;
export const MS = 1e6;
export const S = 1e9;

const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;

const DURATION_UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: US,
  µs: US,
  μs: US,
  ms: MS,
  s: S,
  m: MINUTE,
  min: MINUTE,
  h: HOUR,
};

const KIB = 1024;
const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: KIB,
  m: KIB ** 2,
  g: KIB ** 3,
  t: KIB ** 4,
};

const NUMBER_AND_UNIT = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-zµμ]*)$/i;

/** Nanoseconds, a whole number. */
export function parseDuration(text: string, what: string): number {
  const match = NUMBER_AND_UNIT.exec(text.trim());
  const unit = match === null ? undefined : DURATION_UNITS[(match[2] ?? "").toLowerCase()];
  if (match === null || unit === undefined) {
    throw expected(what, "a duration, a number with a unit (ns, us, ms, s, m, h)", text);
  }
  const ns = Math.round(Number(match[1]) * unit);
  if (!Number.isSafeInteger(ns)) throw expected(what, "a duration of at most 2500h", text);
  return ns;
}

/** Bytes, a whole number. */
export function parseSize(text: string, what: string): number {
  const bytes = sizeOf(text);
  if (bytes === null) {
    throw expected(
      what,
      "a size, a number of bytes with k, m, g, t (powers of 1024) or none",
      text,
    );
  }
  if (!Number.isSafeInteger(bytes))
    throw expected(what, "a whole number of bytes below 2^53", text);
  return bytes;
}

/** Bytes as written, perhaps with a fraction; null where it is no size. */
function sizeOf(text: string): number | null {
  const match = NUMBER_AND_UNIT.exec(text.trim());
  if (match === null) return null;
  // As in fio, k, K, kb and KiB are spellings of one prefix. Unlike fio's default, where KiB turns
  // into 1000, every spelling means 1024 here: nobody who writes KiB expects 1000.
  const prefix = (match[2] ?? "").toLowerCase().replace(/^([kmgt])(?:i?b|i)$/, "$1");
  const unit = SIZE_UNITS[prefix];
  return unit === undefined ? null : Number(match[1]) * unit;
}

export interface Rate {
  readonly unit: "iops" | "bytes";
  readonly perSecond: number;
}

/** `1000iops` is commands per second, `100m` bytes per second. Above zero. */
export function parseRate(text: string, what: string): Rate {
  const iops = /^(\d+(?:\.\d+)?)\s*iops$/i.exec(text.trim());
  const perSecond = iops === null ? sizeOf(text) : Number(iops[1]);
  if (perSecond === null || !(perSecond > 0) || perSecond > Number.MAX_SAFE_INTEGER) {
    throw expected(what, "a rate above 0, such as 1000iops or 100m (bytes per second)", text);
  }
  return { unit: iops === null ? "bytes" : "iops", perSecond };
}

/** 0 to 1, from `0.1%` or `0.001`. */
export function parseProbability(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text.trim());
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === "%" ? 100 : 1);
  if (!(value >= 0 && value <= 1)) {
    throw expected(what, "a probability between 0 and 1, such as 0.001 or 0.1%", text);
  }
  // Some mean a percent by a bare 1, some always.
  if (value === 1 && match?.[2] === "") {
    throw expected(what, "100% (always) or 1% (one in a hundred), whichever is meant", text);
  }
  return value;
}

/** A decimal integer within min and max, both included. */
export function parseInteger(
  text: string,
  what: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw expected(what, integerRule(min, max), text);
  return value === 0 ? 0 : value; // "-0" is 0
}

function integerRule(min: number, max: number): string {
  const low = min > Number.MIN_SAFE_INTEGER;
  const high = max < Number.MAX_SAFE_INTEGER;
  if (low && high) return `an integer between ${min} and ${max}`;
  if (low) return `an integer >= ${min}`;
  if (high) return `an integer <= ${max}`;
  return "an integer";
}

/** `50us`, `1.5ms`, `2s`; four significant digits. Seconds are the largest unit written. */
export function formatDuration(ns: number): string {
  const size = Math.abs(ns);
  if (!Number.isFinite(ns)) return String(ns);
  // The next unit begins where four digits of the smaller would round up to it.
  if (size < 999.95) return `${digits(ns)}ns`;
  if (size < 999.95 * US) return `${digits(ns / US)}us`;
  if (size < 999.95 * MS) return `${digits(ns / MS)}ms`;
  return `${digits(ns / S)}s`;
}

/** `512`, `4k`, `1.5m`; powers of 1024, four significant digits. */
export function formatSize(bytes: number): string {
  const size = Math.abs(bytes);
  if (size < KIB) return digits(bytes);
  if (size < KIB ** 2) return `${digits(bytes / KIB)}k`;
  if (size < KIB ** 3) return `${digits(bytes / KIB ** 2)}m`;
  if (size < KIB ** 4) return `${digits(bytes / KIB ** 3)}g`;
  return `${digits(bytes / KIB ** 4)}t`;
}

/** Four significant digits (all of them before the point), without trailing zeros or an exponent. */
function digits(value: number): string {
  if (Math.abs(value) >= 1000) return String(Math.round(value));
  return String(Number(value.toPrecision(4)));
}
