import { expect, test } from "bun:test";

import { GAPS, PATIENCE, Refusals } from "./refusals.ts";

/** Refuses frames of `length` each millisecond from `at` on until one is given up; when that was. */
function tryUntilGivenUp(refusals: Refusals, length: number, at: number): number {
  for (let now = at; now < at + 10 * PATIENCE; now += 1e6) {
    if (refusals.refused(length, now)) return now;
  }
  throw new Error("never given up");
}

test("a frame is given up once it was refused for long enough, and then each as long at once", () => {
  const refusals = new Refusals();
  expect(tryUntilGivenUp(refusals, 9014, 5e6)).toBe(5e6 + PATIENCE);
  expect(refusals.refused(9014, 5e9)).toBe(true);
  expect(refusals.refused(9015, 6e9)).toBe(true);
});

test("shorter frames that leave meanwhile change nothing; they have a time of their own", () => {
  const refusals = new Refusals();
  refusals.refused(9014, 0);
  refusals.sent(60);
  expect(refusals.refused(9014, PATIENCE)).toBe(true);
  refusals.sent(9013);
  expect(refusals.refused(9014, 2 * PATIENCE)).toBe(true);
  expect(refusals.refused(60, 2 * PATIENCE)).toBe(false);
  expect(refusals.refused(60, 3 * PATIENCE - 1)).toBe(false);
  expect(refusals.refused(60, 3 * PATIENCE)).toBe(true);
});

test("one as long that is sent ends it", () => {
  for (const length of [9014, 9015]) {
    const refusals = new Refusals();
    tryUntilGivenUp(refusals, 9014, 0);
    refusals.sent(length);
    expect(refusals.refused(9014, 5e9)).toBe(false);
    expect(tryUntilGivenUp(refusals, 9014, 5e9)).toBe(5e9 + PATIENCE);
  }
});

test.each([PATIENCE + 1, 3600e9])("two refusals %d ns apart are no long one", (apart) => {
  const refusals = new Refusals();
  expect(refusals.refused(9014, 0)).toBe(false);
  expect(refusals.refused(9014, apart)).toBe(false);
  expect(refusals.refused(9014, apart + PATIENCE - 1)).toBe(false);
  expect(refusals.refused(9014, apart + PATIENCE)).toBe(true);
});

test("a frame that a busy machine tries too seldom is given up as well", () => {
  const refusals = new Refusals();
  const given = Array.from({ length: GAPS + 1 }, (_, at) =>
    refusals.refused(9014, 2 * at * PATIENCE),
  );
  expect(given).toEqual([...Array.from({ length: GAPS }, () => false), true]);
  refusals.sent(9014);
  expect(refusals.refused(9014, 1e12)).toBe(false);
});
