// A row for each arm, a bar for each time in which its pool stood still.

import * as Plot from "@observablehq/plot";
import type { StallChart } from "../report.ts";
import type { Canvas } from "./canvas.ts";
import { TIME } from "./level_chart.ts";
import { colour } from "./palette.ts";
import { barOf, drawRows } from "./row_chart.ts";
import { shownTime } from "../../../words/shown.ts";

export function drawStalls({ rows, duration, caption }: StallChart, canvas: Canvas) {
  const bars = rows.flatMap(({ label, colour: place, stalls }, at) =>
    stalls.map(([begin, length]) => ({
      x1: begin,
      x2: Math.min(duration, begin + length),
      ...barOf(canvas, at),
      fill: colour(place),
      title: `${label}\nstood still for ${shownTime(length)}, from ${shownTime(begin)} on`,
    })),
  );
  return drawRows(
    {
      name: `stalls over time: ${caption}`,
      labels: rows.map(({ label }) => label),
      axis: TIME,
      domain: [0, duration || 1],
      tick: 100,
      row: 28,
    },
    canvas,
    [
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
    ],
    [
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
  );
}
