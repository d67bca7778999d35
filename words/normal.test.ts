// The normal distribution against tabulated values (NIST; R's qnorm and pnorm).

import { expect, test } from "bun:test";
import { normalCdf, normalDensity, normalQuantile } from "./normal.ts";

test("quantiles", () => {
  const rows: [number, number][] = [
    [0.5, 0],
    [0.25, -0.6744897501960817],
    [0.975, 1.959963984540054],
    [0.001, -3.090232306167813],
    [0.9999, 3.719016485455681],
    [1e-20, -9.26234008979841],
  ];
  for (const [p, x] of rows) expect(normalQuantile(p)).toBeCloseTo(x, 13);
  expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
  expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
});

test("cumulative distribution, and its inverse", () => {
  expect(normalCdf(0)).toBe(0.5);
  expect(normalCdf(1)).toBeCloseTo(0.8413447460685429, 14);
  expect(normalCdf(-3)).toBeCloseTo(0.0013498980316300933, 14);
  // 1 less the tail, which is 9.8659e-10, and near enough to 1 from 9 on.
  expect(1 - normalCdf(6)).toBeCloseTo(9.865876450376981e-10, 14);
  expect(normalCdf(40)).toBe(1);
  expect(normalDensity(0)).toBeCloseTo(0.3989422804014327, 15);
  for (let p = 0.001; p < 1; p += 0.001) expect(normalCdf(normalQuantile(p))).toBeCloseTo(p, 13);
});
