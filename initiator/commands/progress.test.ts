// What a line of progress says.

import { expect, test } from "bun:test";

import { formatSize } from "../../words/quantity.ts";
import { describeProgress } from "./progress.ts";

const MIB = 2 ** 20;

test("how much, how fast, how long", () => {
  expect(describeProgress(3 * MIB, 8 * MIB, 0, 3, formatSize)).toBe(
    "3m of 8m (37 %), 1m/s, 5s left",
  );
  expect(describeProgress(0, 0, 0, 0, formatSize)).toBe("0 of 0 (100 %), 0/s");
});

test("what an earlier copy brought is no speed of this one", () => {
  expect(describeProgress(7 * MIB, 8 * MIB, 6 * MIB, 1, formatSize)).toBe(
    "7m of 8m (87 %), 1m/s, 1s left",
  );
  expect(describeProgress(6 * MIB, 8 * MIB, 6 * MIB, 1, formatSize)).toBe("6m of 8m (75 %), 0/s");
});
