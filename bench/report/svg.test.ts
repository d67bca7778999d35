// Charts as files: keys that stay within them, and nothing of a result's text in a place where it could be markup.

import { expect, test } from "bun:test";
import { CHARACTER } from "./draw/canvas.ts";
import { type KneeChart, sectionOf } from "./report.ts";
import { sectionSvg } from "./svg.ts";

const WIDTH = 820;
const PAD = 16;

function knee(labels: readonly string[], caption = "all"): KneeChart {
  return {
    kind: "knee",
    caption,
    x: { label: "cap", unit: "count", log: false, reach: [] },
    axis: { label: "IOPS", unit: "count", log: false, reach: [] },
    lines: labels.map((label, at) => ({
      label,
      colour: at,
      dash: 0,
      knee: null,
      points: [16, 64].map((x) => ({ x, median: 10, low: 9, high: 11, values: [10] })),
    })),
  };
}

test("a key goes on in the next line before it runs into the margin", () => {
  for (let length = 5; length < 60; length++) {
    const labels = Array.from({ length: 8 }, (_, at) => `${at}${"x".repeat(length)}`);
    const svg = sectionSvg(sectionOf("x", "X")("Found.", { charts: [knee(labels)] })) ?? "";
    const keys = [
      ...svg.matchAll(/<text x="([\d.]+)" y="([\d.]+)"[^>]*fill:var\(--soft\)[^>]*>(\d)x/g),
    ];
    expect(keys).toHaveLength(8);
    for (const [, x] of keys) {
      expect(Number(x) + (length + 1) * CHARACTER).toBeLessThanOrEqual(WIDTH - PAD);
    }
    // Two short ones have room in one line.
    if (length < 20) expect(new Set(keys.map(([, , y]) => y)).size).toBeLessThan(8);
  }
});

test("a text is no attribute: within one, a < would stand as it is", () => {
  const chart = knee(["one"], `a <b onload="x"> & c`);
  const svg = sectionSvg(sectionOf("x", "X")("Found.", { charts: [chart] })) ?? "";
  expect(svg).not.toContain("<b");
  expect(svg).toContain("a &lt;b onload=");
});
