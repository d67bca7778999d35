// What `path` finds odd.

import { expect, test } from "bun:test";

import { judge } from "./path.ts";

const WHOLE = { mostOut: 9000, mostBack: 1046, back: 1046 };

test("two sectors a frame: the target's MTU where large frames get lost, its choice where they arrive", () => {
  expect(judge({ ...WHOLE, out: 9000 }, "a0", 9000, 2)).toEqual([
    "the target takes 2 sectors a frame where a0 would carry 17: it chose so, since frames of 9000 bytes arrive there",
  ]);
  expect(judge({ ...WHOLE, out: 1504 }, "a0", 9000, 2).at(-1)).toBe(
    "the target takes 2 sectors a frame where a0 would carry 17: its own MTU is between 1046 and 1557",
  );
});
