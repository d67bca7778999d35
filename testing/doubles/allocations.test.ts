import { expect, test } from "bun:test";

import { allocationsPerCall, kept } from "./allocations.ts";

const bytes = new Uint8Array(8192);
const view = new DataView(bytes.buffer);

test("code that only reads and writes memory leaves nothing", () => {
  const work = (call: number) => view.setUint32(0, view.getUint32(4) + call);
  expect(allocationsPerCall(work)).toBeLessThan(0.01);
});

test("an object, an array, a BigInt, a closure, a subarray per call are each seen", () => {
  const works: [string, (call: number) => unknown][] = [
    ["object", (call) => ({ call })],
    ["array", (call) => [call]],
    ["BigInt", (call) => BigInt(call) * 3n],
    ["closure", (call) => () => call],
    ["subarray", (call) => bytes.subarray(call & 1)],
  ];
  for (const [name, make] of works) {
    const holder = kept as { last: unknown };
    const count = allocationsPerCall((call) => {
      holder.last = make(call);
    });
    expect({ name, seen: count > 0.9 }).toEqual({ name, seen: true });
  }
});

test("one allocation in a hundred calls is seen too", () => {
  const work = (call: number) => {
    if (call % 100 === 0) kept.last = { call };
  };
  const count = allocationsPerCall(work);
  expect(count).toBeGreaterThan(0.009);
  expect(count).toBeLessThan(0.02);
});
