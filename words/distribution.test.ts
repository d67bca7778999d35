// Distributions: what is sampled has the mean and the quantiles that the formula promises.

import { expect, test } from "bun:test";
import { type Distribution, parseDistribution } from "./distribution.ts";
import { Failure } from "./failure.ts";
import { MS, US } from "./quantity.ts";
import { createRandom } from "./random.ts";

const DRAWS = 100_000;
const SEED = 20_071_210;

function samples(distribution: Distribution): Float64Array {
  const random = createRandom(SEED).fork(distribution.text);
  return Float64Array.from({ length: DRAWS }, () => distribution.sample(random)).sort();
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

// Expected figures from the textbook formulas, worked out by hand beside each row.
const ROWS: { text: string; mean: number; p50: number; p99: number; tolerance?: number }[] = [
  { text: "50us", mean: 50 * US, p50: 50 * US, p99: 50 * US },
  { text: "fixed/50us", mean: 50 * US, p50: 50 * US, p99: 50 * US },
  { text: "uniform/100us/300us", mean: 200 * US, p50: 200 * US, p99: 298 * US },
  { text: "uniform/5us/5us", mean: 5 * US, p50: 5 * US, p99: 5 * US },
  // 50 + 2.3263478740 * 5
  { text: "normal/50us/5us", mean: 50 * US, p50: 50 * US, p99: 61_631.7394 },
  // Cut at 0: 50 cdf(0.5) + 100 density(0.5) = 34.57312 + 35.20653; p99 = 50 + 232.63479
  { text: "normal/50us/100us", mean: 69_779.6557, p50: 50 * US, p99: 282_634.787 },
  // sigma^2 = ln(1 + 1) = 0.693147, mu = ln(100 us) - 0.346574: median 100/sqrt 2, p99 = median * e^(2.3263479 * 0.8325546)
  { text: "lognormal/100us/100us", mean: 100 * US, p50: 70_710.678, p99: 490_491.6 },
  // M ln 2, M ln 100
  { text: "exponential/1ms", mean: MS, p50: 693_147.18, p99: 4_605_170.19 },
  // shape 3: mean 1.5 MIN, median MIN 2^(1/3), p99 MIN 100^(1/3)
  { text: "pareto/100us/3", mean: 150 * US, p50: 125_992.105, p99: 464_158.883 },
];

for (const row of ROWS) {
  test(`${row.text}: exact mean and quantiles, and samples that have them`, () => {
    const distribution = parseDistribution(row.text, "--delay");
    expect(distribution.text).toBe(row.text);
    expect(distribution.mean() / row.mean).toBeCloseTo(1, 6);
    expect(distribution.quantile(0.5) / row.p50).toBeCloseTo(1, 6);
    expect(distribution.quantile(0.99) / row.p99).toBeCloseTo(1, 5);

    const drawn = samples(distribution);
    // Five standard errors of the mean, and of an order statistic near p99, at 100,000 draws.
    expect(meanOf(drawn) / row.mean).toBeWithin(0.98, 1.02);
    expect((drawn[DRAWS / 2] ?? 0) / row.p50).toBeWithin(0.97, 1.03);
    expect((drawn[Math.floor(DRAWS * 0.99)] ?? 0) / row.p99).toBeWithin(0.93, 1.07);
    expect(drawn.every((ns) => Number.isInteger(ns) && ns >= 0)).toBe(true);
  });
}

test("the standard deviation of a lognormal is that of the durations", () => {
  const drawn = samples(parseDistribution("lognormal/100us/50us", "d"));
  const mean = meanOf(drawn);
  const variance = meanOf(drawn.map((ns) => (ns - mean) ** 2));
  expect(Math.sqrt(variance) / (50 * US)).toBeWithin(0.95, 1.05);
});

test("a pareto tail without a mean says so and stays a number", () => {
  const heavy = parseDistribution("pareto/1ms/0.01", "d");
  expect(heavy.mean()).toBe(Number.POSITIVE_INFINITY);
  const drawn = samples(heavy);
  expect(drawn.at(-1)).toBe(Number.MAX_SAFE_INTEGER);
});

test("seeds repeat, other seeds differ", () => {
  const distribution = parseDistribution("exponential/50us", "d");
  const run = (seed: number): number[] => {
    const random = createRandom(seed);
    return Array.from({ length: 10 }, () => distribution.sample(random));
  };
  expect(run(1)).toEqual(run(1));
  expect(run(1)).not.toEqual(run(2));
});

test("a trace replays its durations in order, again from the top", () => {
  const files: string[] = [];
  const load = (file: string): string => {
    files.push(file);
    return "10us\n\n# a pause\n20us # slow\n  90us\n";
  };
  const trace = parseDistribution("trace/var/log/disk.trace", "--delay", load);
  expect(files).toEqual(["var/log/disk.trace"]);
  const random = createRandom(1);
  const drawn = Array.from({ length: 5 }, () => trace.sample(random));
  expect(drawn).toEqual([10 * US, 20 * US, 90 * US, 10 * US, 20 * US]);
  expect(trace.mean()).toBe(40 * US);
  expect([trace.quantile(0), trace.quantile(0.5), trace.quantile(0.99)]).toEqual([
    10 * US,
    20 * US,
    90 * US,
  ]);
});

test("bad distributions are refused with the rule", () => {
  const rows: [string, string][] = [
    ["", "a duration"],
    ["50", "a duration, a number with a unit"],
    ["gamma/1us/2", "a duration or fixed/D"],
    ["normal", "a duration or fixed/D"],
    ["normal/50us", "normal/M/S"],
    ["normal/50us/5us/1us", "normal/M/S"],
    ["normal/50/5us", "a duration, a number with a unit"],
    ["uniform/2us/1us", "uniform/A/B with A <= B"],
    ["pareto/1us/0", "pareto/MIN/SHAPE with a number SHAPE above 0"],
    ["pareto/1us/1us", "pareto/MIN/SHAPE with a number SHAPE above 0"],
    ["lognormal/0us/1us", "lognormal/M/S with M above 0"],
    ["trace/", "trace/FILE"],
  ];
  for (const [text, rule] of rows) {
    expect(() => parseDistribution(text, "--delay", () => "")).toThrow(
      `Expected \`--delay\` to be ${rule}`,
    );
  }
  expect(() => parseDistribution("trace/x", "--delay")).toThrow(Failure);
  expect(() => parseDistribution("trace/x", "--delay", () => "# none\n")).toThrow("no durations");
  expect(() => parseDistribution("trace/x", "--delay", () => "1us\n7\n")).toThrow("Expected `x:2`");
});
