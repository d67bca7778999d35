// Rows of medians with intervals: a bar for the interval, a mark for the median, a dot for each trial.
//
//   completion · kick 100ms      ·  ├──●──┤ ·
//   fixed · kick 100ms    ├●┤

import type { Spread } from "../../result/arm_cells.ts";
import * as Plot from "@observablehq/plot";
import type { IntervalChart, IntervalRow } from "../report.ts";
import { shown } from "../figure.ts";
import { type Canvas, domainOf } from "./canvas.ts";
import { colour } from "./palette.ts";
import { barOf, drawRows } from "./row_chart.ts";

interface Mark extends Spread {
  readonly row: number;
  readonly fill: string;
  readonly hollow: boolean;
  readonly title: string;
}

export function drawIntervals(chart: IntervalChart, canvas: Canvas) {
  const { rows, axis, names, reference, caption } = chart;
  const marks = rows.flatMap((row, at) =>
    row.spreads.map((spread, of) => markOf(chart, row, spread, at, of)),
  );
  const dots = marks.flatMap((mark) => mark.values.map((value) => ({ ...mark, value })));
  const domain = domainOf(
    axis,
    marks.flatMap(({ low, high, values }) => [low, high, ...values]).concat(reference?.value ?? []),
  );
  return drawRows(
    {
      name: `${names.join(" and ")}: ${caption}`,
      labels: rows.map(({ label }) => label),
      axis,
      domain,
      tick: axis.log ? 62 : 85,
      above: 13,
    },
    canvas,
    [
      Plot.rect(bandsOf(rows, canvas, domain), {
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        fill: "var(--grid)",
        fillOpacity: 0.7,
      }),
      Plot.ruleX(reference === null ? [] : [reference.value], {
        stroke: "var(--soft)",
        strokeDasharray: "3 3",
      }),
    ],
    [
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
  );
}

/** What is noise, behind each row, within the axis. */
function bandsOf(rows: readonly IntervalRow[], canvas: Canvas, [least, most]: [number, number]) {
  return rows.flatMap(({ band }, at) => {
    if (band === undefined) return [];
    const [from, to] = band;
    return [{ x1: Math.max(least, from), x2: Math.min(most, to), ...barOf(canvas, at) }];
  });
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
