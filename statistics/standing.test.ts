import { expect, test } from "bun:test";
import { standing } from "./standing.ts";

test("below is every value under every other's by more than the band", () => {
  expect(standing([74], [100])).toBe("below");
  expect(standing([75], [100])).toBe("beside");
  expect(standing([10, 74], [100, 400])).toBe("below");
  expect(standing([10, 76], [100, 400])).toBe("unclear");
  expect(standing([0], [1])).toBe("below");
});

test("above is the other way round", () => {
  expect(standing([100], [74])).toBe("above");
  expect(standing([100, 400], [10, 74])).toBe("above");
  expect(standing([100, 400], [10, 76])).toBe("unclear");
});

test("beside is every value within the band of every other's", () => {
  expect(standing([90, 100], [95, 110])).toBe("beside");
  // 74 is not within a quarter of 100, though the medians are.
  expect(standing([74, 100, 100], [100])).toBe("unclear");
  expect(standing([100], [100, 100, 134])).toBe("unclear");
  expect(standing([100], [133])).toBe("beside");
  expect(standing([100], [134])).toBe("below");
  expect(standing([100], [109], 0.1)).toBe("beside");
  expect(standing([100], [112], 0.1)).toBe("below");
});

test("nothing beside nothing says nothing", () => {
  expect(standing([0], [0])).toBe("unclear");
  expect(standing([0, 0], [0, 10])).toBe("unclear");
});
