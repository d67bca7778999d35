// Rows of medians with intervals: a bar for the interval, a mark for the median, a dot for each trial.
//
//   completion · kick 100ms      ·  ├──●──┤ ·
//   fixed · kick 100ms    ├●┤

import * as Plot from "@observablehq/plot";
import type { IntervalChart, IntervalRow, Spread } from "../report.ts";
import { shown } from "../shown.ts";
import { base, type Canvas, domainOf, fitted, labelMargin, NARROW, scaleOf } from "./canvas.ts";
import { colour } from "./palette.ts";

const ROW = 26;
const NARROW_ROW = 40;

interface Mark extends Spread {
  readonly row: number;
  readonly fill: string;
  readonly hollow: boolean;
  readonly title: string;
}

export function drawIntervals(chart: IntervalChart, canvas: Canvas) {
  const narrow = canvas.width < NARROW;
  const { rows, axis, names } = chart;
  const margin = narrow ? 8 : labelMargin(labels(rows), canvas.width);
  const height = 62 + rows.length * (narrow ? NARROW_ROW : ROW);
  const marks = rows.flatMap((row, at) =>
    row.spreads.map((spread, of) => markOf(chart, row, spread, at, of)),
  );
  const dots = marks.flatMap((mark) => mark.values.map((value) => ({ ...mark, value })));
  const { reference } = chart;
  const domain = domainOf(
    axis,
    marks.flatMap(({ low, high, values }) => [low, high, ...values]).concat(reference?.value ?? []),
  );
  const room = Math.max(3, Math.floor((canvas.width - margin) / (axis.log ? 62 : 85)));
  const edge = Math.min(...domain);
  return Plot.plot({
    ...base(canvas, height, `${names.join(" and ")}: ${chart.caption}`),
    marginLeft: margin,
    x: {
      ...scaleOf(axis, domain, room),
      labelAnchor: "right",
    },
    y: { domain: [-0.5, rows.length - 0.5], reverse: true, axis: null },
    marks: [
      Plot.gridX({
        stroke: "var(--grid)",
        strokeOpacity: 1,
        ticks: scaleOf(axis, domain, room).ticks,
      }),
      Plot.ruleX(reference === null ? [] : [reference.value], {
        stroke: "var(--soft)",
        strokeDasharray: "3 3",
      }),
      Plot.text(
        rows.map(({ label }, at) => ({ at, label })),
        {
          x: () => edge,
          y: "at",
          dx: narrow ? 0 : -10,
          dy: narrow ? -13 : 0,
          textAnchor: narrow ? "start" : "end",
          text: (row: { label: string }) =>
            fitted(row.label, narrow ? canvas.width - 16 : margin - 12),
          fill: "var(--ink)",
        },
      ),
      Plot.link(marks, {
        x1: "low",
        x2: "high",
        y1: "row",
        y2: "row",
        stroke: "fill",
        strokeWidth: 7,
        strokeOpacity: 0.3,
        strokeLinecap: "round",
      }),
      Plot.dot(dots, { x: "value", y: "row", r: 2, fill: "fill", fillOpacity: 0.75, dy: 0 }),
      Plot.dot(marks, {
        x: "median",
        y: "row",
        r: 5,
        fill: (mark: Mark) => (mark.hollow ? "var(--paper)" : mark.fill),
        stroke: "fill",
        strokeWidth: 2,
        title: "title",
      }),
    ],
  });
}

function labels(rows: readonly IntervalRow[]): string[] {
  return rows.map(({ label }) => label);
}

function markOf(
  chart: IntervalChart,
  row: IntervalRow,
  spread: Spread,
  at: number,
  of: number,
): Mark {
  const show = (value: number): string => shown(value, chart.axis.unit);
  return {
    ...spread,
    row: at,
    fill: colour(row.colour),
    hollow: of > 0,
    title: `${row.label}\n${chart.names[of] ?? ""}: ${show(spread.median)} (${show(spread.low)} to ${show(spread.high)})`,
  };
}
