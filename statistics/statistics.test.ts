// Every figure against scipy's (fixtures/statistics/make_goldens.py made them).

import { describe, expect, test } from "bun:test";
import goldens from "../fixtures/statistics/goldens.json" with { type: "json" };
import { geomean } from "./geomean.ts";
import { holm } from "./holm.ts";
import { medianInterval } from "./median_interval.ts";
import { median, quantile } from "./quantile.ts";
import { rankSum, upperNormal } from "./rank_sum.ts";
import { shift } from "./shift.ts";

/** To nine digits, relative. */
function close(found: number, wanted: number): void {
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-9 * Math.max(1e-12, Math.abs(wanted)));
}

describe("rank sum", () => {
  test.each(goldens.rank_sum)("$name", ({ a, b, u, p, method }) => {
    const found = rankSum(a, b);
    expect(found.u).toBe(u);
    expect(found.method as string).toBe(method);
    close(found.p, p);
    // Exchanging the sides mirrors U and leaves p.
    const mirrored = rankSum(b, a);
    expect(mirrored.u).toBe(a.length * b.length - u);
    close(mirrored.p, found.p);
  });

  test("four a side can't fall below 2/70", () => {
    close(rankSum([1, 2, 3, 4], [5, 6, 7, 8]).p, 2 / 70);
  });

  test("an empty side has no p", () => {
    expect(rankSum([], [1]).p).toBeNaN();
  });
});

describe("shift", () => {
  test.each(goldens.shift)("$name", ({ a, b, confidence, shift: wanted, low, high }) => {
    const found = shift(a, b, confidence);
    close(found.shift, wanted);
    close(found.low, low);
    close(found.high, high);
    expect(found.confidence).toBeGreaterThanOrEqual(confidence);
  });

  test("samples too small for 95 % say what they have", () => {
    const found = shift([1, 2], [3, 5]);
    expect(found).toMatchObject({ low: -4, high: -1, shift: -2.5 });
    close(found.confidence, 1 - 2 / 6);
  });
});

describe("median interval", () => {
  test.each(goldens.median_interval)("$name", ({ sample, confidence, ...wanted }) => {
    const found = medianInterval(sample.toReversed(), confidence);
    close(found.median, wanted.median);
    expect(found.low).toBe(wanted.low);
    expect(found.high).toBe(wanted.high);
    close(found.confidence, wanted.reached);
  });

  test("an empty sample is NaN, not 0", () => {
    expect(medianInterval([]).median).toBeNaN();
    expect(medianInterval([]).low).toBeNaN();
  });
});

test("quantiles are numpy's", () => {
  for (const { sample, fraction, value } of goldens.quantile) {
    close(quantile(sample, fraction), value);
  }
  expect(median([3, 1, 2])).toBe(2);
});

test("geometric mean is scipy's; a ratio of 0 has none", () => {
  close(geomean(goldens.geomean.ratios), goldens.geomean.value);
  expect(geomean([1, 0])).toBeNaN();
  expect(geomean([])).toBeNaN();
});

test("Holm's adjustment", () => {
  const found = holm(goldens.holm.p);
  for (const [index, wanted] of goldens.holm.adjusted.entries()) close(found[index] ?? 0, wanted);
});

test("the normal tail is scipy's", () => {
  for (const { z, p } of goldens.upper_normal) close(upperNormal(z), p);
});
