// What the live line of a run says.

import { expect, test } from "bun:test";
import { timeLeft } from "./progress.ts";

test("the time left is that of the trials so far, for those to come", () => {
  expect(timeLeft(0, 24, 1e9)).toBe("");
  expect(timeLeft(2, 24, 3e9)).toBe("  33 s left");
  expect(timeLeft(23, 24, 23e9)).toBe("  1 s left");
});
