// The time-weighted level against values that can be worked out by hand.

import { describe, expect, test } from "bun:test";
import { Level } from "./level.ts";

describe("Level", () => {
  test("weighs each level by its time", () => {
    const level = new Level(2);
    level.set(1, 100);
    level.set(2, 130);
    // Beyond the room that was made for it.
    level.set(9, 140);
    level.set(1, 145);
    expect(level.snapshot(165)).toEqual({
      now: 1,
      peak: 9,
      mean: (50 * 1 + 10 * 2 + 5 * 9) / 65,
      duration_ns: 65,
      levels_ns: [
        [1, 50],
        [2, 10],
        [9, 5],
      ],
    });
    const slot = { least: 0, mean: 0, most: 0 };
    level.slot(165, slot);
    expect(slot).toEqual({ least: 1, mean: (50 * 1 + 10 * 2 + 5 * 9) / 65, most: 9 });
    level.set(3, 185);
    level.set(12, 195);
    level.slot(200, slot);
    expect(slot).toEqual({ least: 1, mean: (20 * 1 + 10 * 3 + 5 * 12) / 35, most: 12 });
    level.slot(200, slot);
    expect(slot).toEqual({ least: 12, mean: 12, most: 12 });
    level.set(1, 200);
    level.clear(200);
    expect(level.snapshot(210)).toMatchObject({ peak: 1, mean: 1, duration_ns: 10 });
  });
});
