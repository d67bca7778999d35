import { expect, test } from "bun:test";

import { Holdback } from "./holdback.ts";

const LIFE = 1e9;
const mine = {};
const other = {};

test("a range is barred while the write is out, then until the packet life after its last copy", () => {
  const holdback = new Holdback(LIFE);
  const bar = holdback.begin(100, 8, mine);
  expect(holdback.until(107, 1, other, 5)).toBe(Infinity);
  holdback.end(bar, 2e9);
  expect(holdback.until(107, 1, other, 2.5e9)).toBe(3e9);
  expect(holdback.next(2.5e9)).toBe(3e9);
  expect(holdback.until(107, 1, other, 3e9)).toBe(3e9);
  expect(holdback.size).toBe(0);
});

test("what only touches passes; one sector of overlap doesn't", () => {
  const holdback = new Holdback(LIFE);
  holdback.end(holdback.begin(100, 8, mine), 0);
  const free = [
    [92, 8],
    [108, 1],
  ] as const;
  for (const [lba, sectors] of free) expect(holdback.until(lba, sectors, other, 1)).toBe(1);
  const barred = [
    [93, 8],
    [107, 1],
    [90, 100],
    [103, 1],
  ] as const;
  for (const [lba, sectors] of barred) expect(holdback.until(lba, sectors, other, 1)).toBe(LIFE);
});

test("the command's own pieces pass, until it has ended", () => {
  const holdback = new Holdback(LIFE);
  holdback.end(holdback.begin(0, 17, mine), 0);
  expect(holdback.until(2, 2, mine, 1)).toBe(1);
  holdback.disown(mine);
  expect(holdback.until(2, 2, mine, 1)).toBe(LIFE);
});

test("the latest of several bars counts, each falls at its own time", () => {
  const holdback = new Holdback(LIFE);
  const first = holdback.begin(0, 4, mine);
  const second = holdback.begin(2, 4, mine);
  const third = holdback.begin(50, 1, mine);
  holdback.end(first, 1e9);
  holdback.end(second, 3e9);
  holdback.lift(third);
  expect(holdback.until(50, 1, other, 0)).toBe(0);
  expect(holdback.until(3, 1, other, 0)).toBe(4e9);
  expect(holdback.until(1, 1, other, 0)).toBe(2e9);
  expect(holdback.until(3, 1, other, 2e9)).toBe(4e9);
  expect(holdback.size).toBe(1);
});
