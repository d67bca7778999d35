// A chart as SVG, by Observable Plot: the same code in the page and, with a document of its own, without one.

import type { Chart, Colour } from "../report.ts";
import type { Canvas } from "./canvas.ts";
import { drawIntervals } from "./interval_chart.ts";
import { drawKnee } from "./knee_chart.ts";
import { drawLevels, LEVEL_COLOURS } from "./level_chart.ts";
import { colour, dash, partColour } from "./palette.ts";
import { drawPercentiles } from "./percentile_chart.ts";
import { drawSplit } from "./split_chart.ts";
import { drawStalls } from "./stall_chart.ts";

export function draw(chart: Chart, canvas: Canvas) {
  switch (chart.kind) {
    case "intervals":
      return drawIntervals(chart, canvas);
    case "percentiles":
      return drawPercentiles(chart, canvas);
    case "split":
      return drawSplit(chart, canvas);
    case "knee":
      return drawKnee(chart, canvas);
    case "levels":
      return drawLevels(chart, canvas);
    case "stalls":
      return drawStalls(chart, canvas);
  }
}

/** What a line, a bar or a mark means. */
export interface KeyEntry {
  readonly label: string;
  readonly mark: "line" | "bar" | "dot" | "ring";
  readonly colour: string;
  readonly dash: string;
}

/** The mark's shape, from `left` on, around the height `middle`, 26 wide. */
export function keyShape(
  { mark, colour, dash: dashes }: KeyEntry,
  left: number,
  middle: number,
): readonly [name: string, attributes: Readonly<Record<string, string | number>>] {
  if (mark === "line") {
    const ends = { x1: left, x2: left + 26, y1: middle, y2: middle };
    return [
      "line",
      { ...ends, style: `stroke:${colour};stroke-width:2.5;stroke-dasharray:${dashes}` },
    ];
  }
  if (mark === "bar") {
    const place = { x: left + 6, y: middle - 6, width: 14, height: 12 };
    return ["rect", { ...place, style: `fill:${colour}` }];
  }
  const fill = mark === "dot" ? colour : "var(--paper)";
  const place = { cx: left + 13, cy: middle, r: 4.5 };
  return ["circle", { ...place, style: `fill:${fill};stroke:${colour};stroke-width:2` }];
}

/** Of the charts whose rows have no labels of their own. */
export function keyOf(chart: Chart): KeyEntry[] {
  switch (chart.kind) {
    case "intervals":
      return [
        ...(chart.names.length < 2 ? [] : chart.names).map((label, at) => ({
          label,
          mark: at === 0 ? ("dot" as const) : ("ring" as const),
          colour: "var(--soft)",
          dash: "none",
        })),
        ...(chart.reference === null
          ? []
          : [
              {
                label: chart.reference.name,
                mark: "line" as const,
                colour: "var(--soft)",
                dash: "3 3",
              },
            ]),
      ];
    case "percentiles":
      return chart.curves.map((curve) => line(curve.label, curve.colour, curve.dash));
    case "split":
      return chart.parts.map((label, at) => ({
        label,
        mark: "bar",
        colour: partColour(at),
        dash: "none",
      }));
    case "knee":
      return chart.lines.map((one) => line(one.label, one.colour, one.dash));
    case "levels":
      return chart.series.map(({ name }, at) =>
        line(name, LEVEL_COLOURS[at] ?? at, at === 2 ? 1 : 0),
      );
    case "stalls":
      return [];
  }
}

function line(label: string, place: Colour, dashed: number): KeyEntry {
  return { label, mark: "line", colour: colour(place), dash: dash(dashed) };
}
