// A chart of rows: a label at the left of each, or over it where the chart is narrow, and bars or marks beside it.

import * as Plot from "@observablehq/plot";
import type { Axis } from "../report.ts";
import { base, type Canvas, fitted, labelMargin, NARROW, scaleOf } from "./canvas.ts";

const ROW = 26;
const NARROW_ROW = 40;
/** Where a bar lies within its row, in rows from its middle; below its label where that stands over it. */
const BAR = [-0.29, 0.29] as const;
const NARROW_BAR = [-0.05, 0.37] as const;

export interface Rows {
  readonly name: string;
  readonly labels: readonly string[];
  readonly axis: Axis;
  readonly domain: [number, number];
  /** Pixels that a tick takes. */
  readonly tick: number;
  /** Pixels of a row that is not narrow. */
  readonly row?: number;
  /** Pixels by which a label stands over its row where the chart is narrow. */
  readonly above?: number;
}

/** Upper and lower end of the bar of a row. */
export function barOf(canvas: Canvas, at: number): { y1: number; y2: number } {
  const [y1, y2] = canvas.width < NARROW ? NARROW_BAR : BAR;
  return { y1: at + y1, y2: at + y2 };
}

/** `before` lies under the labels, `after` over them. */
export function drawRows(
  { name, labels, axis, domain, tick, row = ROW, above = 11 }: Rows,
  canvas: Canvas,
  before: readonly Plot.Markish[],
  after: readonly Plot.Markish[],
) {
  const narrow = canvas.width < NARROW;
  const margin = narrow ? 8 : labelMargin(labels, canvas.width);
  const scale = scaleOf(axis, domain, Math.max(3, Math.floor((canvas.width - margin) / tick)));
  return Plot.plot({
    ...base(canvas, 62 + labels.length * (narrow ? NARROW_ROW : row), name),
    marginLeft: margin,
    x: { ...scale, labelAnchor: "right" },
    y: { domain: [-0.5, labels.length - 0.5], reverse: true, axis: null },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1, ticks: scale.ticks }),
      ...before,
      Plot.text(labels, {
        x: () => Math.min(...domain),
        y: (_label, at: number) => at,
        dx: narrow ? 0 : -10,
        dy: narrow ? -above : 0,
        textAnchor: narrow ? "start" : "end",
        text: (label: string) => fitted(label, narrow ? canvas.width - 16 : margin - 12),
        fill: "var(--ink)",
      }),
      ...after,
    ],
  });
}
