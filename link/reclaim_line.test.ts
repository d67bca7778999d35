// A line's dues, by hand: what it takes at once, what waits for what, and a pause that fills the
// bucket.

import { expect, test } from "bun:test";
import { parseReclaim, type ReclaimModel } from "./reclaim_model.ts";

/** 1 byte a ns. */
const RATE = 1_000_000_000;

/** When each of `sends` ([at, length]) is released, ns. */
function dues(model: ReclaimModel, sends: readonly (readonly [number, number])[]): number[] {
  const held: number[] = [];
  const view = {
    get count() {
      return held.length;
    },
    at: (index: number) => held[index] ?? 0,
  };
  const released: number[] = [];
  const until = (now: number) => {
    for (let at = model.deadline(view); at <= now; at = model.deadline(view)) {
      for (let count = model.byTime(view, at); count > 0; count--) {
        held.shift();
        released.push(at);
      }
    }
  };
  for (const [at, length] of sends) {
    until(at);
    held.push(at);
    model.afterTransmit(view, length);
  }
  until(1e18);
  return released;
}

test("without a bucket each takes its time behind those before it", () => {
  const line = parseReclaim(`line:${RATE}/0`, "x");
  const sends = [
    [0, 100],
    [0, 50],
    [120, 10],
    [1000, 10],
  ] as const;
  expect(dues(line, sends)).toEqual([100, 150, 160, 1010]);
});

test("a bucket passes what it holds at once, and fills again in a pause", () => {
  const line = parseReclaim(`line:${RATE}/200`, "x");
  const burst = [0, 0, 0, 0].map((at) => [at, 100] as const);
  expect(dues(line, burst)).toEqual([0, 0, 100, 200]);
  expect(dues(line.fresh?.() ?? line, [...burst, [1000, 100]])).toEqual([0, 0, 100, 200, 1000]);
});

test("hundreds at once keep their order", () => {
  const line = parseReclaim(`line:${RATE}/0`, "x");
  const sends = Array.from({ length: 300 }, () => [0, 1] as const);
  expect(dues(line, sends)).toEqual(sends.map((_, index) => index + 1));
});
