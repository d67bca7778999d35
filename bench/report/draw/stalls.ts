// A row for each arm, a bar for each time in which its pool stood still.

import * as Plot from "@observablehq/plot";
import type { StallChart } from "../report.ts";
import { base, type Canvas, fitted, labelMargin, NARROW, scaleOf } from "./canvas.ts";
import { colour } from "./palette.ts";
import { shownTime } from "../../../words/shown.ts";

const ROW = 28;
const NARROW_ROW = 40;
/** Where a bar lies within its row, in rows from its middle; below its label where that stands over it. */
const BAR = [-0.29, 0.29] as const;
const NARROW_BAR = [-0.05, 0.37] as const;
const TIME = { label: "measured time", unit: "time", log: false, reach: [] } as const;

export function drawStalls(chart: StallChart, canvas: Canvas) {
  const narrow = canvas.width < NARROW;
  const bar = narrow ? NARROW_BAR : BAR;
  const { rows, duration } = chart;
  const margin = narrow
    ? 8
    : labelMargin(
        rows.map(({ label }) => label),
        canvas.width,
      );
  const bars = rows.flatMap(({ label, colour: place, stalls }, at) =>
    stalls.map(([begin, length]) => ({
      x1: begin,
      x2: Math.min(duration, begin + length),
      y1: at + bar[0],
      y2: at + bar[1],
      fill: colour(place),
      title: `${label}\nstood still for ${shownTime(length)}, from ${shownTime(begin)} on`,
    })),
  );
  return Plot.plot({
    ...base(
      canvas,
      62 + rows.length * (narrow ? NARROW_ROW : ROW),
      `stalls over time: ${chart.caption}`,
    ),
    marginLeft: margin,
    x: {
      ...scaleOf(TIME, [0, duration || 1], Math.max(3, Math.floor((canvas.width - margin) / 100))),
      labelAnchor: "right",
    },
    y: { domain: [-0.5, rows.length - 0.5], reverse: true, axis: null },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.link(
        rows.map((_, at) => at),
        {
          x1: 0,
          x2: duration,
          y1: (at: number) => at,
          y2: (at: number) => at,
          stroke: "var(--grid)",
        },
      ),
      Plot.text(
        rows.map(({ label }, at) => ({ at, label })),
        {
          x: () => 0,
          y: "at",
          dx: narrow ? 0 : -10,
          dy: narrow ? -11 : 0,
          textAnchor: narrow ? "start" : "end",
          text: (row: { label: string }) =>
            fitted(row.label, narrow ? canvas.width - 16 : margin - 12),
          fill: "var(--ink)",
        },
      ),
      Plot.rect(bars, {
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        fill: "fill",
        inset: 0.4,
        title: "title",
      }),
    ],
  });
}
