// A bar for each arm, parted into what its commands waited for; the mean that it splits at its end.

import * as Plot from "@observablehq/plot";
import type { SplitChart, SplitRow } from "../report.ts";
import { shown } from "../figure.ts";
import { type Canvas, domainOf } from "./canvas.ts";
import { partColour } from "./palette.ts";
import { barOf, drawRows } from "./row_chart.ts";

export function drawSplit({ rows, axis, parts, caption }: SplitChart, canvas: Canvas) {
  const bars = rows.flatMap(({ label, values }, at) => {
    let from = 0;
    return values.map((value, part) => {
      const piece = {
        x1: from,
        x2: from + value,
        ...barOf(canvas, at),
        fill: partColour(part),
        title: `${label}\n${parts[part] ?? ""}: ${shown(value, axis.unit)}`,
      };
      from += value;
      return piece;
    });
  });
  const domain = domainOf(
    axis,
    // At the end of the longest its mean has room.
    bars.map(({ x2 }) => 1.12 * x2),
  );
  const labels = rows.map(({ label }) => label);
  return drawRows(
    { name: `latency by part: ${caption}`, labels, axis, domain, tick: 90 },
    canvas,
    [],
    [
      Plot.rect(bars, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "fill", title: "title" }),
      Plot.text(rows, {
        x: ({ values }: SplitRow) => values.reduce((sum, value) => sum + value, 0),
        y: (_row: SplitRow, at: number) => (barOf(canvas, at).y1 + barOf(canvas, at).y2) / 2,
        dx: 6,
        textAnchor: "start",
        text: ({ mean }: SplitRow) => (mean === null ? "" : shown(mean, axis.unit)),
        fill: "var(--soft)",
      }),
      Plot.ruleX([0], { stroke: "var(--soft)" }),
    ],
  );
}
