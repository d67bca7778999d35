// The histogram against values that can be worked out by hand.

import { describe, expect, test } from "bun:test";
import { decodeFromCompressedBase64 } from "hdr-histogram-js";
import { createRandom } from "../words/random.ts";
import { bucketOf, bucketStart, COARSE, FINE, HIGHEST, Histogram } from "./histogram.ts";
import { fioBin, fioBins, toHdr, toHgrm, toHlog } from "./histogram_files.ts";

describe("a coarse one", () => {
  test("buckets follow one another without a gap, each at most a sixteenth wide", () => {
    const last = bucketOf(HIGHEST, COARSE);
    for (let index = 0; index < last; index++) {
      const low = bucketStart(index, COARSE);
      const high = bucketStart(index + 1, COARSE);
      expect(high).toBeGreaterThan(low);
      expect(bucketOf(low, COARSE)).toBe(index);
      expect(bucketOf(high - 1, COARSE)).toBe(index);
      if (low >= 16) expect((high - low) / low).toBeLessThanOrEqual(1 / 16);
    }
  });

  test("a quantile is within 3.2 % of the value of its rank", () => {
    const histogram = new Histogram(COARSE);
    for (let i = 1; i <= 10_000; i++) histogram.record(i * 997);
    for (const percentile of [0.1, 50, 90, 99, 99.9, 100]) {
      const exact = Math.ceil(percentile * 100) * 997;
      expect(Math.abs((histogram.middle(percentile) ?? 0) / exact - 1)).toBeLessThan(0.032);
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
    const histogram = new Histogram(COARSE);
    histogram.record(0);
    histogram.record(-3);
    expect(histogram.snapshot()).toMatchObject({ count: 2, sum_ns: 0, min_ns: 0, max_ns: 0 });
    expect(histogram.snapshot().buckets_ns).toEqual([[0, 1, 2]]);
    histogram.record(0.5);
    histogram.record(100);
    expect(histogram.middle(75)).toBe(0);
    expect(histogram.snapshot()).toMatchObject({ count: 4, min_ns: 0, max_ns: 100 });
    expect(histogram.snapshot().buckets_ns).toEqual([
      [0, 1, 3],
      [100, 104, 1],
    ]);
  });

  test("an empty one has all its keys, counts of 0 and no times", () => {
    const histogram = new Histogram(COARSE);
    histogram.record(5);
    histogram.reset();
    const { buckets_ns, ...rest } = histogram.snapshot();
    expect(buckets_ns).toEqual([]);
    const { count, sum_ns, ...times } = rest;
    expect([count, sum_ns, Object.keys(times).length]).toEqual([0, 0, 7]);
    expect(new Set(Object.values(times))).toEqual(new Set([null]));
  });
});

const SEED = 20260;

test("every bucket begins where the one before ends, and holds its own start and end", () => {
  for (let index = 0; index < 35 * 1024 - 1; index++) {
    const start = bucketStart(index, FINE);
    const next = bucketStart(index + 1, FINE);
    expect(next).toBeGreaterThan(start);
    expect(bucketOf(start, FINE)).toBe(index);
    expect(bucketOf(next - 1, FINE)).toBe(index);
    // Three significant digits.
    expect(next - start).toBeLessThanOrEqual(Math.max(1, start / 1000));
  }
});

test("percentiles are those of the sorted values, to a bucket's width", () => {
  const random = createRandom(SEED);
  const histogram = new Histogram();
  const values = Array.from({ length: 5000 }, () => Math.floor(10 ** (2 + 7 * random.float())));
  for (const value of values) histogram.record(value);
  values.sort((a, b) => a - b);
  for (const p of [1, 50, 90, 99, 99.9, 100]) {
    const wanted = values[Math.ceil((p / 100) * values.length - 1e-9) - 1] ?? 0;
    const found = histogram.percentile(p);
    expect(found).toBeGreaterThanOrEqual(wanted);
    expect(found).toBeLessThanOrEqual(wanted * 1.001 + 1);
  }
  expect(histogram.min).toBe(values[0] ?? 0);
  expect(histogram.max).toBe(values.at(-1) ?? 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(histogram.mean()).toBeCloseTo(mean, 3);
});

test("an empty histogram says nothing, and one that is out of range clamps", () => {
  const histogram = new Histogram();
  const { least, most } = histogram;
  expect([least, most, histogram.percentile(99), histogram.mean()]).toEqual([
    null,
    null,
    null,
    null,
  ]);
  expect(histogram.standardDeviation()).toBeNull();
  histogram.record(-5);
  histogram.record(1e18);
  expect(histogram.min).toBe(0);
  expect(histogram.max).toBe(HIGHEST);
  expect(histogram.count).toBe(2);
});

test("adding two histograms is recording both", () => {
  const [a, b, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (const value of [5, 100, 5000]) {
    a.record(value);
    both.record(value);
  }
  for (const value of [1, 70_000]) {
    b.record(value);
    both.record(value);
  }
  a.add(b);
  expect(a).toEqual(both);
});

test("merged buckets have the counts, percentiles and, to a bucket's width, the sum of what they came from", () => {
  const [one, merged] = [new Histogram(), new Histogram()];
  const random = createRandom(SEED);
  for (let i = 0; i < 2000; i++) one.record(random.below(9_000_000));
  merged.addBuckets(one.buckets().slice(0, 300));
  merged.addBuckets(one.buckets().slice(300));
  expect(merged.buckets()).toEqual(one.buckets());
  for (const p of [1, 50, 99]) expect(merged.percentile(p)).toBe(one.percentile(p));
  expect((merged.mean() ?? 0) / (one.mean() ?? 1)).toBeWithin(0.999, 1);
  expect((merged.most ?? 0) / (one.most ?? 1)).toBeWithin(1, 1.001);
});

test("fio's bins are fio's own middles and lose nothing", () => {
  // From a run of fio 3.33: keys that it printed.
  for (const key of [12, 19, 44800, 45312, 46848, 2096, 2128, 168960, 1003520]) {
    expect(fioBin(key)).toBe(key);
  }
  const histogram = new Histogram();
  const random = createRandom(SEED);
  for (let i = 0; i < 3000; i++) {
    const value = Math.floor(10 ** (9 * random.float()));
    histogram.record(value);
  }
  const bins = fioBins(histogram);
  expect(Object.values(bins).reduce((sum, count) => sum + count, 0)).toBe(3000);
  for (const key of Object.keys(bins)) {
    const middle = Number(key);
    expect(Math.floor(fioBin(middle))).toBe(middle);
  }
});

test("hdr-histogram-js reads what we write", () => {
  const histogram = new Histogram();
  const random = createRandom(SEED);
  for (let i = 0; i < 1000; i++) histogram.record(20_000 + random.below(500_000));
  const hdr = toHdr(histogram);
  expect(hdr.totalCount).toBe(1000);
  for (const p of [50, 99, 99.9]) {
    const own = histogram.percentile(p) ?? 0;
    expect(Math.abs(hdr.getValueAtPercentile(p) - own)).toBeLessThan(own / 900);
  }
  const hgrm = toHgrm(histogram);
  // Its maximum is the histogram's own, not where the last bucket begins.
  expect(hdr.maxValue).toBe(histogram.max);
  const shown = /#\[Max +=\s+([\d.]+)/.exec(hgrm)?.[1];
  expect(Number(shown)).toBe(histogram.max / 1000);
  expect(hgrm).toContain("Percentile");
  expect(hgrm).toContain("Total count    =         1000");
  const hlog = toHlog([{ start: 0, end: 5e8, histogram }], 1_700_000_000_000);
  const encoded = hlog.trim().split("\n").at(-1)?.split(",").at(-1) ?? "";
  expect(decodeFromCompressedBase64(encoded).totalCount).toBe(1000);
});

test("reset leaves nothing, up to the last bucket that was counted in", () => {
  const histogram = new Histogram();
  for (const value of [0, 1, 2047, 2048, 5_000_000, 2 ** 50]) {
    histogram.record(value);
    histogram.reset();
    expect([histogram.count, histogram.buckets()]).toEqual([0, []]);
  }
  histogram.record(7);
  expect([histogram.min, histogram.max, histogram.mean()]).toEqual([7, 7, 7]);
});
