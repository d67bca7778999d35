// A bar for each arm, parted into what its commands waited for.

import * as Plot from "@observablehq/plot";
import type { SplitChart } from "../report.ts";
import { shown } from "../shown.ts";
import { base, type Canvas, domainOf, fitted, labelMargin, NARROW, scaleOf } from "./canvas.ts";
import { partColour } from "./palette.ts";

const ROW = 26;
const NARROW_ROW = 40;
/** Where a bar lies within its row, in rows from its middle; below its label where that stands over it. */
const BAR = [-0.29, 0.29] as const;
const NARROW_BAR = [-0.05, 0.37] as const;

export function drawSplit(chart: SplitChart, canvas: Canvas) {
  const narrow = canvas.width < NARROW;
  const bar = narrow ? NARROW_BAR : BAR;
  const { rows, axis, parts } = chart;
  const margin = narrow
    ? 8
    : labelMargin(
        rows.map(({ label }) => label),
        canvas.width,
      );
  const bars = rows.flatMap(({ label, values }, at) => {
    let from = 0;
    return values.map((value, part) => {
      const piece = {
        x1: from,
        x2: from + value,
        y1: at + bar[0],
        y2: at + bar[1],
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
  const room = Math.max(3, Math.floor((canvas.width - margin) / 90));
  return Plot.plot({
    ...base(
      canvas,
      62 + rows.length * (narrow ? NARROW_ROW : ROW),
      `latency by part: ${chart.caption}`,
    ),
    marginLeft: margin,
    x: { ...scaleOf(axis, domain, room), labelAnchor: "right" },
    y: { domain: [-0.5, rows.length - 0.5], reverse: true, axis: null },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
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
      Plot.rect(bars, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", fill: "fill", title: "title" }),
      Plot.ruleX([0], { stroke: "var(--soft)" }),
    ],
  });
}
