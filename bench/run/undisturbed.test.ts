// A trial is repeated while others disturb it, and no longer than it may.

import { expect, test } from "bun:test";
import { undisturbed } from "./undisturbed.ts";

async function attempts(disturbed: readonly boolean[], retries: number) {
  const discarded: number[] = [];
  const found = await undisturbed(
    (attempt) => Promise.resolve(attempt),
    (attempt) => disturbed[attempt] ?? false,
    retries,
    (attempt) => discarded.push(attempt),
  );
  return { ...found, discarded };
}

test("a quiet trial runs once", async () => {
  expect(await attempts([false], 2)).toEqual({
    trial: 0,
    attempt: 0,
    disturbed: false,
    discarded: [],
  });
});

test("the first quiet attempt counts, and those before it are discarded", async () => {
  expect(await attempts([true, true, false], 2)).toMatchObject({
    trial: 2,
    disturbed: false,
    discarded: [0, 1],
  });
});

test("the last attempt counts as it is", async () => {
  expect(await attempts([true, true, true], 1)).toMatchObject({
    trial: 1,
    disturbed: true,
    discarded: [0],
  });
});
