// Buffers over time: owned by commands, held by the link alone, and beyond the preallocated.

import * as Plot from "@observablehq/plot";
import type { LevelChart } from "../report.ts";
import { base, type Canvas, domainOf, scaleOf } from "./canvas.ts";
import { colour, dash } from "./palette.ts";

const HEIGHT = 190;
/** Held, owned, extra: places in the palette, and dashes. */
export const LEVEL_COLOURS = [0, 1, 3];
/** The axis of what happened over time. */
export const TIME = { label: "measured time", unit: "time", log: false, reach: [] } as const;
const BUFFERS = { label: "buffers", unit: "count", log: false, reach: [] } as const;

export function drawLevels(chart: LevelChart, canvas: Canvas) {
  const values = chart.series.flatMap(({ points }) => points.map(([, level]) => level));
  return Plot.plot({
    ...base(canvas, HEIGHT, `buffers over time: ${chart.caption}`),
    marginLeft: 44,
    x: {
      ...scaleOf(TIME, [0, chart.duration || 1], Math.max(3, Math.floor(canvas.width / 110))),
      labelAnchor: "right",
    },
    y: { ...scaleOf(BUFFERS, domainOf(BUFFERS, values), 5), labelAnchor: "top" },
    marks: [
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      ...chart.series.map(({ points }, at) =>
        Plot.line(points, {
          x: (point: readonly [number, number]) => point[0],
          y: (point: readonly [number, number]) => point[1],
          curve: "step-after",
          stroke: colour(LEVEL_COLOURS[at] ?? at),
          strokeWidth: at === 2 ? 2 : 1.25,
          strokeDasharray: at === 2 ? dash(1) : "none",
        }),
      ),
      Plot.ruleY([0], { stroke: "var(--soft)" }),
    ],
  });
}
