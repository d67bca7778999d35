// A figure against the cap, with intervals, and a rule where it has all but reached its best.

import type { Spread } from "../../result/arm_cells.ts";
import * as Plot from "@observablehq/plot";
import type { KneeChart, KneeLine } from "../report.ts";
import { shown } from "../figure.ts";
import { base, type Canvas, domainOf, scaleOf } from "./canvas.ts";
import { colour, dash } from "./palette.ts";

const HEIGHT = 320;
const LEFT = 62;
const RIGHT = 18;
/** Pixels between the ticks of an axis. */
const APART = 28;

/** `first`, then those of the values, ascending, that lie far enough from the others. */
function apart(
  first: readonly number[],
  values: readonly number[],
  pixels: (value: number) => number,
): number[] {
  const kept: number[] = [];
  for (const value of [...first, ...values.toSorted((a, b) => a - b)]) {
    if (kept.every((other) => Math.abs(pixels(value) - pixels(other)) >= APART)) kept.push(value);
  }
  return kept.sort((a, b) => a - b);
}

interface Point extends Spread {
  readonly x: number;
  readonly stroke: string;
  readonly title: string;
}

function pointsOf({ lines, x, axis }: KneeChart): Point[] {
  return lines.flatMap((line) =>
    line.points.map((point) => ({
      ...point,
      stroke: colour(line.colour),
      title: `${line.label}, cap ${shown(point.x, x.unit)}\n${shown(point.median, axis.unit)} (${shown(point.low, axis.unit)} to ${shown(point.high, axis.unit)})`,
    })),
  );
}

interface Knee {
  readonly x: number;
  readonly stroke: string;
  readonly text: string;
}

function kneesOf(lines: readonly KneeLine[]): Knee[] {
  return lines.flatMap(({ knee, colour: place, label }) => {
    if (knee === null) return [];
    const text = lines.length === 1 ? `knee ${knee}` : `${label}: ${knee}`;
    return [{ x: knee, stroke: colour(place), text }];
  });
}

export function drawKnee(chart: KneeChart, canvas: Canvas) {
  const { lines, axis, x } = chart;
  const points = pointsOf(chart);
  const knees = kneesOf(lines);
  const domain = domainOf(
    axis,
    points.map(({ high }) => high),
  );
  const most = points.reduce((max, point) => Math.max(max, point.x), 1);
  const room = canvas.width - LEFT - RIGHT;
  return Plot.plot({
    ...base(canvas, HEIGHT, `${axis.label} by cap: ${chart.caption}`),
    marginLeft: LEFT,
    marginRight: RIGHT,
    marginTop: 40,
    x: {
      // Caps are tried where it matters, and that is among the small ones.
      type: "sqrt",
      domain: [0, most * 1.04],
      label: `${x.label} (square-root scale)`,
      labelAnchor: "right",
      ticks: apart(
        knees.map((knee) => knee.x),
        points.map((point) => point.x),
        (value) => Math.sqrt(value / (most * 1.04)) * room,
      ),
      tickFormat: (value: number) => shown(value, x.unit),
    },
    y: { ...scaleOf(axis, domain, 6), labelAnchor: "top" },
    marks: marksOf(lines, points, knees),
  });
}

function marksOf(lines: readonly KneeLine[], points: readonly Point[], knees: readonly Knee[]) {
  return [
    Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: 6 }),
    Plot.ruleX(knees, { x: "x", stroke: "stroke", strokeDasharray: "3 3" }),
    Plot.text(knees, {
      x: "x",
      frameAnchor: "top",
      dx: 5,
      dy: -16,
      text: "text",
      textAnchor: "start",
      lineAnchor: "top",
      fill: "stroke",
      fontWeight: 600,
    }),
    ...lines.map((line) =>
      Plot.line(line.points, {
        x: "x",
        y: "median",
        stroke: colour(line.colour),
        strokeDasharray: dash(line.dash),
        strokeWidth: 2,
      }),
    ),
    Plot.link(points, {
      x1: "x",
      x2: "x",
      y1: "low",
      y2: "high",
      stroke: "stroke",
      strokeWidth: 6,
      strokeOpacity: 0.3,
      strokeLinecap: "round",
    }),
    Plot.dot(points, { x: "x", y: "median", r: 3.5, fill: "stroke", title: "title" }),
  ];
}
