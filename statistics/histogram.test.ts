// The histogram against values that can be worked out by hand.

import { describe, expect, test } from "bun:test";
import { bucketOf, Histogram, lowest } from "./histogram.ts";

describe("Histogram", () => {
  test("buckets follow one another without a gap, each at most a sixteenth wide", () => {
    const last = bucketOf(2 ** 60);
    for (let index = 0; index < last; index++) {
      const low = lowest(index);
      const high = lowest(index + 1);
      expect(high).toBeGreaterThan(low);
      expect(bucketOf(low)).toBe(index);
      expect(bucketOf(high - 1)).toBe(index);
      if (low >= 16) expect((high - low) / low).toBeLessThanOrEqual(1 / 16);
    }
    expect(bucketOf(-5)).toBe(0);
    expect(bucketOf(2 ** 44)).toBe(last);
  });

  test("a quantile is within 3.2 % of the value of its rank", () => {
    const histogram = new Histogram();
    for (let i = 1; i <= 10_000; i++) histogram.record(i * 997);
    for (const quantile of [0.001, 0.5, 0.9, 0.99, 0.999, 1]) {
      const exact = Math.ceil(quantile * 10_000) * 997;
      expect(Math.abs(histogram.quantile(quantile) / exact - 1)).toBeLessThan(0.032);
    }
    const { count, sum_ns, min_ns, max_ns, buckets_ns } = histogram.snapshot();
    expect([count, sum_ns, min_ns, max_ns]).toEqual([
      10_000,
      (997 * 10_000 * 10_001) / 2,
      997,
      9_970_000,
    ]);
    expect(buckets_ns.reduce((sum, [, , of]) => sum + of, 0)).toBe(10_000);
  });

  test("values of 0 and below stand in the lowest bucket, before and beside others", () => {
    const histogram = new Histogram();
    histogram.record(0);
    histogram.record(-3);
    expect(histogram.snapshot()).toMatchObject({ count: 2, sum_ns: 0, min_ns: 0, max_ns: 0 });
    expect(histogram.snapshot().buckets_ns).toEqual([[0, 1, 2]]);
    histogram.record(0.5);
    histogram.record(100);
    expect(histogram.quantile(0.75)).toBe(0);
    expect(histogram.snapshot()).toMatchObject({ count: 4, min_ns: 0, max_ns: 100 });
    expect(histogram.snapshot().buckets_ns).toEqual([
      [0, 1, 3],
      [100, 104, 1],
    ]);
  });

  test("an empty one has all its keys, counts of 0 and no times", () => {
    const histogram = new Histogram();
    histogram.record(5);
    histogram.clear();
    const { buckets_ns, ...rest } = histogram.snapshot();
    expect(buckets_ns).toEqual([]);
    const { count, sum_ns, ...times } = rest;
    expect([count, sum_ns, Object.keys(times).length]).toEqual([0, 0, 7]);
    expect(new Set(Object.values(times))).toEqual(new Set([null]));
  });
});
