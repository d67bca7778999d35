// A bar for each arm, parted into what its commands waited for.

import * as Plot from "@observablehq/plot";
import type { SplitChart } from "../report.ts";
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
    bars.map(({ x2 }) => x2),
  );
  const labels = rows.map(({ label }) => label);
  return drawRows(
    { name: `latency by part: ${caption}`, labels, axis, domain, tick: 90 },
    canvas,
    [],
    [
      Plot.rect(bars, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "fill", title: "title" }),
      Plot.ruleX([0], { stroke: "var(--soft)" }),
    ],
  );
}
