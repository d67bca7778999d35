// The grammar of quantities: accepted spellings, refused ones, and what formatting reads back as.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { EXIT, Failure } from "./failure.ts";
import {
  formatDuration,
  formatSize,
  MS,
  parseDuration,
  parseInteger,
  parseProbability,
  parseRate,
  parseSize,
  S,
  US,
} from "./quantity.ts";

function refusal(parse: () => unknown): Failure {
  try {
    parse();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("durations", () => {
  const rows: [string, number][] = [
    ["0ns", 0],
    ["50us", 50 * US],
    ["50µs", 50 * US],
    ["1ms", MS],
    ["2s", 2 * S],
    ["1.5ms", 1_500_000],
    [".5us", 500],
    ["10 ms", 10 * MS],
    ["2m", 120 * S],
    ["3min", 180 * S],
    ["1h", 3600 * S],
    ["1MS", MS],
  ];
  for (const [text, ns] of rows) expect([text, parseDuration(text, "--d")]).toEqual([text, ns]);
});

test("a bare number is no duration, and the error names the units", () => {
  for (const text of [
    "50",
    "0",
    "",
    "us",
    "-1ms",
    "1e3us",
    "1kus",
    "5 us 3",
    "NaN",
    "∞s",
    "9999999h",
  ]) {
    expect(refusal(() => parseDuration(text, "--delay")).exitCode).toBe(EXIT.usage);
  }
  expect(refusal(() => parseDuration("50", "--delay")).message).toBe(
    "Expected `--delay` to be a duration, a number with a unit (ns, us, ms, s, m, h), got `50`",
  );
});

test("sizes", () => {
  const rows: [string, number][] = [
    ["512", 512],
    ["0", 0],
    ["4k", 4096],
    ["4K", 4096],
    ["4kb", 4096],
    ["4KiB", 4096],
    ["4ki", 4096],
    ["64m", 64 * 1024 ** 2],
    ["10g", 10 * 1024 ** 3],
    ["1t", 1024 ** 4],
    ["1.5g", 1.5 * 1024 ** 3],
    ["512b", 512],
  ];
  for (const [text, bytes] of rows) expect([text, parseSize(text, "--s")]).toEqual([text, bytes]);
  for (const text of ["", "k", "-1", "0.5", "1.1k", "4x", "4ib", "9999999t", "1e3", "4k4"]) {
    expect(refusal(() => parseSize(text, "--bs")).message).toStartWith("Expected `--bs` to be a");
  }
});

test("rates", () => {
  expect(parseRate("1000iops", "--r")).toEqual({ unit: "iops", perSecond: 1000 });
  expect(parseRate("100m", "--r")).toEqual({ unit: "bytes", perSecond: 100 * 1024 ** 2 });
  expect(parseRate("0.5iops", "--r")).toEqual({ unit: "iops", perSecond: 0.5 });
  for (const text of ["0", "0iops", "iops", "-5iops", "5kiops", ""]) {
    expect(refusal(() => parseRate(text, "--r")).exitCode).toBe(EXIT.usage);
  }
});

test("probabilities", () => {
  const rows: [string, number][] = [
    ["0.1%", 0.001],
    ["0.001", 0.001],
    ["0", 0],
    ["100%", 1],
    [".5", 0.5],
  ];
  for (const [text, p] of rows) expect([text, parseProbability(text, "p")]).toEqual([text, p]);
  for (const text of ["", "1", "1.0", "1.1", "101%", "-1%", "%", "a"]) {
    expect(refusal(() => parseProbability(text, "p")).exitCode).toBe(EXIT.usage);
  }
  expect(refusal(() => parseProbability("1", "--service drop")).message).toBe(
    "Expected `--service drop` to be 100% (always) or 1% (one in a hundred), whichever is meant, got `1`",
  );
});

test("integers, and the rule in words", () => {
  expect(parseInteger("16", "n")).toBe(16);
  expect(parseInteger("-3", "n")).toBe(-3);
  expect(Object.is(parseInteger("-0", "n"), 0)).toBe(true);
  expect(parseInteger("5", "n", 5, 5)).toBe(5);
  for (const text of ["", "1.5", "1e3", "0x10", "1k", "9007199254740993"]) {
    expect(refusal(() => parseInteger(text, "n")).exitCode).toBe(EXIT.usage);
  }
  expect(refusal(() => parseInteger("0", "--lanes", 1)).message).toBe(
    "Expected `--lanes` to be an integer >= 1, got `0`",
  );
  expect(refusal(() => parseInteger("70000", "SHELF", 0, 65534)).message).toBe(
    "Expected `SHELF` to be an integer between 0 and 65534, got `70000`",
  );
});

test("formatting", () => {
  const durations: [number, string][] = [
    [0, "0ns"],
    [50_000, "50us"],
    [1_500_000, "1.5ms"],
    [999_960, "1ms"],
    [123_456, "123.5us"],
    [2 * S, "2s"],
    [3600 * S, "3600s"],
    [Number.POSITIVE_INFINITY, "Infinity"],
  ];
  for (const [ns, text] of durations) expect(formatDuration(ns)).toBe(text);
  const sizes: [number, string][] = [
    [0, "0"],
    [512, "512"],
    [4096, "4k"],
    [1500, "1.465k"],
    [64 * 1024 ** 2, "64m"],
    [1.5 * 1024 ** 3, "1.5g"],
    [2048 * 1024 ** 4, "2048t"],
  ];
  for (const [bytes, text] of sizes) expect(formatSize(bytes)).toBe(text);
});

test("what is formatted is read back within its four digits", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (ns) => {
      const read = parseDuration(formatDuration(ns), "d");
      expect(Math.abs(read - ns)).toBeLessThanOrEqual(Math.max(0.5, ns * 0.00051));
    }),
  );
});
