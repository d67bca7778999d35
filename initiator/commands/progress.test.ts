// What a line of progress says.

import { expect, test } from "bun:test";

import { shownBytes } from "../../words/shown.ts";
import { describeProgress } from "./progress.ts";

const MIB = 2 ** 20;

test("how much, how fast, how long", () => {
  expect(describeProgress(3 * MIB, 8 * MIB, 0, 3, shownBytes)).toBe(
    "3 MiB of 8 MiB (37 %), 1 MiB/s, 5 s left",
  );
  expect(describeProgress(0, 0, 0, 0, shownBytes)).toBe("0 B of 0 B (100 %), 0 B/s");
});

test("what an earlier copy brought is no speed of this one", () => {
  expect(describeProgress(7 * MIB, 8 * MIB, 6 * MIB, 1, shownBytes)).toBe(
    "7 MiB of 8 MiB (87 %), 1 MiB/s, 1 s left",
  );
  expect(describeProgress(6 * MIB, 8 * MIB, 6 * MIB, 1, shownBytes)).toBe(
    "6 MiB of 8 MiB (75 %), 0 B/s",
  );
});
