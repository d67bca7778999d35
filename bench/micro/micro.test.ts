// Micro-benchmarks at smoke size: each has a figure and allocates nothing; and the codec's answers are those
// that were asked for.

import { describe, expect, test } from "bun:test";

import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import { CODEC_CASES, Exchange } from "./codec.bench.ts";
import { CASES } from "./micro.ts";
import { costOf, counted } from "./micro_case.ts";

for (const { name, make } of CASES) {
  test(`${name} has a figure`, async () => {
    const { least_ns, median_ns } = await costOf(counted(make()), 0.002);
    expect(least_ns).toBeGreaterThan(0);
    expect(median_ns).toBeGreaterThanOrEqual(least_ns);
  });

  test(`${name} allocates nothing`, () => {
    expect(allocationsPerCall(counted(make()))).toBeLessThan(0.01);
  });
}

test("a first call that is slow doesn't put the clock's cost into the others", async () => {
  // Timed call by call it is what the clock takes, 20 ns and more, however often it is tried.
  let least = Infinity;
  for (const begun = performance.now(); least >= 10 && performance.now() - begun < 30_000;) {
    let calls = 0;
    const work = () => {
      if (calls++ === 0) Bun.sleepSync(5);
    };
    least = Math.min(least, (await costOf(work, 0.02)).least_ns);
  }
  expect(least).toBeLessThan(10);
});

describe("the codec that is measured", () => {
  for (const { name, make } of CODEC_CASES) {
    test(`${name}: every answer is the request's`, () => {
      const exchange = new Exchange();
      const work = make(exchange);
      for (let call = 0; call < 1000; call++) work(call * 65_537);
      expect(exchange.matched).toBe(1000);
    });
  }

  test("the bytes of a read are those of the specification", () => {
    const exchange = new Exchange();
    exchange.ata(0x24, 0x40, 0x8000_0001, 0x0123_4567_89ab);
    const hex = (view: DataView): string => Buffer.from(view.buffer, 0, 36).toString("hex");
    expect(hex(exchange.request)).toBe(
      "0200000000b00200000000a088a21000000703008000000140000824ab89674523010000",
    );
    expect(hex(exchange.answer)).toBe(
      "0200000000a00200000000b088a21800000703008000000140000840ab89674523010000",
    );
  });

  test("an answer that differs is not counted as matched", () => {
    const exchange = new Exchange();
    const { answer } = exchange;
    const set = answer.setUint32.bind(answer);
    answer.setUint32 = (at: number, value: number, little?: boolean) => set(at, value ^ 1, little);
    exchange.ata(0x24, 0x40, 5, 6);
    expect(exchange.matched).toBe(0);
  });
});
