// `rate` by itself, to the nanosecond: what a bucket of BURST tokens releases, and when.

import { expect, test } from "bun:test";

import { createRandom } from "../../words/random.ts";
import * as ata from "../../wire/ata.ts";
import { model } from "../../testing/doubles/probe.ts";
import { UNDECIDED } from "../outcome.ts";
import type { Job, Stage } from "./stage.ts";

const MS = 1e6;

function job(sectors: number): Job {
  return {
    opcode: ata.READ_EXT,
    lba: 0,
    sectors,
    write: false,
    copies: 1,
    decided: UNDECIDED,
    failedLba: 0,
    heldAt: 0,
    next: null,
  };
}

function stage(text: string): Stage {
  return model(text).stages[0] as Stage;
}

/** When each of the commands, as [ms of its arrival, sectors], may go, in ms. */
function times(text: string, arrivals: readonly (readonly [at: number, sectors: number])[]) {
  const rate = stage(text);
  return arrivals.map(([at, sectors]) => rate.enter(job(sectors), at * MS) / MS);
}

const at = (ms: number, count: number) => Array.from({ length: count }, () => [ms, 1] as const);

test("a pause earns as many tokens as it lasts, and BURST at most", () => {
  // 1 ms a token, four of them.
  expect(times("rate:1000iops/4", at(0, 6))).toEqual([0, 0, 0, 0, 1, 2]);
  // Two are owed until 2; by 3 one is there, by 5 three more.
  expect(times("rate:1000iops/4", [...at(0, 6), ...at(3, 3)])).toEqual([0, 0, 0, 0, 1, 2, 3, 4, 5]);
  expect(times("rate:1000iops/4", [...at(0, 6), ...at(5, 4)])).toEqual([
    0, 0, 0, 0, 1, 2, 5, 5, 5, 6,
  ]);
  // However long it lasts.
  expect(times("rate:1000iops/4", [...at(0, 1), ...at(5000, 6)])).toEqual([
    0, 5000, 5000, 5000, 5000, 5001, 5002,
  ]);
});

test("BURST is one command where none is given, and 128 KiB where the rate is bytes", () => {
  expect(times("rate:1000iops", at(10, 3))).toEqual([10, 11, 12]);
  // A sector a ms; 256 of them are 128 KiB.
  const sectors = times("rate:512000", at(0, 258));
  expect(sectors.slice(0, 256).every((time) => time === 0)).toBe(true);
  expect(sectors.slice(256)).toEqual([1, 2]);
});

test("a command that is larger than BURST goes when the bucket is full, and is owed for", () => {
  // A sector a ms, two of them in the bucket.
  const text = "rate:512000/1k";
  expect(times(text, [[0, 8]])).toEqual([0]);
  expect(
    times(text, [
      [0, 8],
      [0, 1],
      [20, 8],
      [20, 2],
    ]),
  ).toEqual([0, 7, 20, 28]);
});

test("it is the bucket that the words describe, for any arrivals", () => {
  const random = createRandom(5);
  for (let round = 0; round < 200; round++) {
    const burst = 1 + random.below(6);
    const rate = stage(`rate:1000iops/${burst}`);
    // A bucket that is filled step by step, a tenth of a token at a time.
    let tokens = burst;
    let time = 0;
    const step = (): void => {
      time += MS / 10;
      tokens = Math.min(burst, tokens + 0.1);
    };
    let now = 0;
    for (let command = 0; command < 60; command++) {
      now += random.below(4) === 0 ? random.below(8) * MS : 0;
      while (time < now) step();
      while (tokens < 1 - 1e-6) step();
      tokens -= 1;
      expect(rate.enter(job(1), now)).toBeCloseTo(Math.max(now, time), -1);
    }
  }
});
