// What loads need, by hand, and that formula and model agree.

import { describe, expect, test } from "bun:test";
import { MS, US } from "../../words/quantity.ts";
import { byFormula, type Load, predict } from "./demand.ts";

const LOAD: Load = { depth: 8, burst: 20, bursts: 5, rate: 200, length: 1000 };

describe("what a pool needs where nothing is held is what its commands hold", () => {
  for (const strategy of ["scan-swap", "completion"] as const) {
    test(strategy, () => {
      expect(predict(strategy, "eager", LOAD, US)).toEqual({ buffers: 8, headroom: 0, dry: 0 });
      expect(byFormula(LOAD, 0, US)).toBe(8);
    });
  }
});

test("a line that takes 1 ms a frame holds a burst but for what left meanwhile", () => {
  // 20 frames within 20 µs, each 1 ms behind the one before: all are held at the end of a burst.
  const line = "line:1000000/0";
  expect(predict("scan-swap", line, LOAD, US)).toEqual({ buffers: 20, headroom: 12, dry: 0 });
  expect(byFormula(LOAD, 20 * MS, US)).toBe(20);
  // With 4 more that pass at once.
  expect(predict("scan-swap", "line:1000000/4000", LOAD, US).headroom).toBeWithin(7, 10);
  // Sent 2 ms apart none waits.
  expect(predict("scan-swap", line, LOAD, 2 * MS).headroom).toBe(0);
});

test("bursts that come before the one before is released add up", () => {
  // A burst each 100 ms, held 250 ms: three of them.
  expect(predict("completion", "delay:250ms", LOAD, US).buffers).toBe(60);
  expect(byFormula(LOAD, 250 * MS, US)).toBe(60);
});

test("`fixed` has no headroom: it waits", () => {
  const { buffers, headroom, dry } = predict("fixed", "delay:1ms", LOAD, US);
  expect([buffers, headroom, dry > 0]).toEqual([8, 0, true]);
});
