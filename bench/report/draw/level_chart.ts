// Buffers over time: owned by commands, held by the link alone, and beyond the preallocated. Of each
// slot the mean as a line, and least to most as an area.

import * as Plot from "@observablehq/plot";
import type { LevelChart, LevelSlot } from "../report.ts";
import { base, type Canvas, domainOf, scaleOf } from "./canvas.ts";
import { colour, dash } from "./palette.ts";

const HEIGHT = 190;
/** Held, owned, extra: places in the palette, and dashes. */
export const LEVEL_COLOURS = [4, 1, 3];
/** The axis of what happened over time. */
export const TIME = { label: "measured time", unit: "time", log: false, reach: [] } as const;
const BUFFERS = { label: "buffers", unit: "count", log: false, reach: [] } as const;

export function drawLevels(chart: LevelChart, canvas: Canvas) {
  const values = chart.series.flatMap(({ slots }) => slots.map(({ most }) => most));
  const lines = chart.series.map(({ slots }) => toTheEnd(slots, chart.duration));
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
      ...lines.map((slots, at) =>
        Plot.areaY(slots, {
          x: "from",
          y1: "least",
          y2: "most",
          curve: "step-after",
          fill: colour(LEVEL_COLOURS[at] ?? at),
          fillOpacity: 0.2,
        }),
      ),
      ...lines.map((slots, at) =>
        Plot.line(slots, {
          x: "from",
          y: "mean",
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

/** The last slot has an end, where nothing else begins. */
function toTheEnd(slots: readonly LevelSlot[], end: number): LevelSlot[] {
  const last = slots.at(-1);
  return last === undefined ? [] : [...slots, { ...last, from: end }];
}
