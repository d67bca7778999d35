import { expect, test } from "bun:test";
import { createRandom } from "../../words/random.ts";
import { type Arrivals, createArrivals } from "./arrivals.ts";

function times(arrivals: Arrivals, count: number): number[] {
  return Array.from({ length: count }, () => {
    const due = arrivals.due;
    arrivals.take();
    return due;
  });
}

test("closed loop is always due", () => {
  expect(times(createArrivals(0, "linear", 5, createRandom(1)), 2)).toEqual([
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
});

test("linear keeps its pace without drift", () => {
  const due = times(createArrivals(3000, "linear", 1e9, createRandom(1)), 3_000_001);
  expect(due[0]).toBe(1e9);
  expect(due[3]).toBeCloseTo(1e9 + 1e6, 3);
  expect(due[3_000_000]).toBeCloseTo(1e9 + 1000e9, 0);
});

test("poisson gaps are exponential: mean and standard deviation are the gap", () => {
  const due = times(createArrivals(10_000, "poisson", 0, createRandom(11)), 50_001);
  const gaps = due.slice(1).map((at, index) => at - (due[index] ?? 0));
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
  expect(Math.abs(mean / 100_000 - 1)).toBeLessThan(0.02);
  expect(Math.abs(deviation / 100_000 - 1)).toBeLessThan(0.03);
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(0);
});

test("poisson arrivals are their seed's", () => {
  const of = (seed: number) => times(createArrivals(100, "poisson", 0, createRandom(seed)), 20);
  expect(of(3)).toEqual(of(3));
  expect(of(3)).not.toEqual(of(4));
});
