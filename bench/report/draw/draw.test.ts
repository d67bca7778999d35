// Charts as they are drawn: axes that reach beyond the marks, labels that fit, levels as steps, hollow marks.

import { describe, expect, test } from "bun:test";
import { parseHTML } from "linkedom";

import type { Axis, Chart, IntervalChart, KneeChart } from "../report.ts";
import { type Canvas, CHARACTER, domainOf, type Drawing, fitted, logTicks } from "./canvas.ts";
import { dash } from "./palette.ts";
import { draw } from "./draw.ts";

const TIME: Axis = { label: "latency", unit: "time", log: true, reach: [] };

/** As much of a DOM as is looked at. */
interface Drawn {
  readonly textContent: string | null;
  getAttribute(name: string): string | null;
  querySelector(selector: string): Drawn | null;
  querySelectorAll(selector: string): Iterable<Drawn>;
}

function drawn(chart: Chart, width = 800): Drawn {
  const { document } = parseHTML("<html></html>");
  const canvas: Canvas = { width, document: document as unknown as Drawing };
  return draw(chart, canvas) as unknown as Drawn;
}

describe("axes", () => {
  test("a logarithmic one reaches beyond its marks, a linear one from 0", () => {
    const [low, high] = domainOf(TIME, [100, 1000]);
    expect(low).toBeLessThan(95);
    expect(high).toBeGreaterThan(1050);
    expect(domainOf({ ...TIME, log: false }, [100, 1000])[0]).toBe(0);
    expect(domainOf({ ...TIME, reach: [10_000] }, [100])[1]).toBeGreaterThan(10_000);
  });

  test("ticks stand within it, and no more than there is room for", () => {
    for (const room of [3, 6, 20]) {
      const ticks = logTicks(85, 1180, room);
      expect(ticks.every((tick) => tick >= 85 && tick <= 1180)).toBe(true);
      expect(ticks.length).toBeGreaterThan(1);
      expect(ticks.length).toBeLessThanOrEqual(Math.max(room, 2));
    }
  });

  test("a label that is too long is cut to its room", () => {
    expect(fitted("abcdefghij", 10 * CHARACTER)).toBe("abcdefghij");
    expect(fitted("abcdefghij", 9 * CHARACTER)).toBe("abcdefgh…");
  });
});

const knee = (xs: readonly number[]): KneeChart => ({
  kind: "knee",
  caption: "all",
  x: { label: "cap", unit: "count", log: false, reach: [] },
  axis: { label: "IOPS", unit: "count", log: false, reach: [] },
  lines: [
    {
      label: "one",
      colour: 0,
      dash: 0,
      knee: null,
      points: xs.map((x) => ({ x, median: 10, low: 9, high: 11, values: [9, 10, 11] })),
    },
  ],
});

test("caps that lie close to one another are not written over one another", () => {
  const ticks = (chart: KneeChart): string[] => {
    const labels = [...drawn(chart, 400).querySelectorAll('[aria-label="x-axis tick label"] text')];
    return labels.map(({ textContent }) => textContent ?? "");
  };
  expect(ticks(knee([0, 16, 64, 256]))).toEqual(["0", "16", "64", "256"]);
  const close = ticks(knee([0, 1, 2, 3, 4, 64, 65, 256]));
  expect(close).toEqual(["0", "3", "64", "256"]);
  // A knee is written, whatever stands close before it.
  const chart = knee([0, 40, 48, 64, 256, 512]);
  const [line] = chart.lines;
  if (line === undefined) throw new Error("invariant: one line");
  expect(ticks(chart)).not.toContain("48");
  expect(ticks({ ...chart, lines: [{ ...line, knee: 48 }] })).toContain("48");
});

test("no two lines have the same dashes", () => {
  const dashes = Array.from({ length: 24 }, (_, place) => dash(place));
  expect(dashes.slice(0, 2)).toEqual(["none", "6 3"]);
  expect(new Set(dashes).size).toBe(dashes.length);
});

test("levels are steps: each holds until the next", () => {
  const chart: Chart = {
    kind: "levels",
    caption: "all",
    duration: 100,
    series: [
      {
        name: "held",
        slots: [
          { from: 0, least: 0, mean: 1, most: 2 },
          { from: 50, least: 3, mean: 4, most: 4 },
        ],
      },
    ],
  };
  const path = drawn(chart).querySelector('[aria-label="line"] path')?.getAttribute("d") ?? "";
  expect(path).toContain("M");
  // Around the line, from least to most.
  expect([...drawn(chart).querySelectorAll('[aria-label="area"] path')].length).toBe(1);
  // Every point but the first is reached along an axis: one of its coordinates is the one before's.
  const at = [...path.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [x, y]);
  expect(at.length).toBeGreaterThan(3);
  for (const [index, [x, y]] of at.entries()) {
    const [beforeX, beforeY] = at[index - 1] ?? [x, y];
    expect(x === beforeX || y === beforeY).toBe(true);
  }
});

test("the second mark of a row is hollow, the first is not", () => {
  const spread = { median: 200, low: 150, high: 300, values: [150, 200, 300] };
  const chart: IntervalChart = {
    kind: "intervals",
    caption: "all",
    axis: TIME,
    names: ["p50", "p99"],
    rows: [{ label: "one", colour: 0, spreads: [spread, { ...spread, median: 250 }] }],
    reference: null,
  };
  const marks = [...drawn(chart).querySelectorAll("circle")].filter(
    (circle) => circle.getAttribute("r") === "5",
  );
  const fills = marks.map((mark) => mark.getAttribute("fill"));
  expect(fills).toHaveLength(2);
  expect(fills.filter((fill) => fill === "var(--paper)")).toHaveLength(1);
  expect(marks[1]?.getAttribute("fill")).toBe("var(--paper)");
});
