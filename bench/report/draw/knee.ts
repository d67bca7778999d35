// A figure against the cap, with intervals, and a rule where it has all but reached its best.

import * as Plot from "@observablehq/plot";
import type { KneeChart } from "../report.ts";
import { shown } from "../shown.ts";
import { base, type Canvas, domainOf, scaleOf } from "./canvas.ts";
import { colour, dash } from "./palette.ts";

const HEIGHT = 320;

export function drawKnee(chart: KneeChart, canvas: Canvas) {
  const { lines, axis, x } = chart;
  const points = lines.flatMap((line) =>
    line.points.map((point) => ({
      ...point,
      stroke: colour(line.colour),
      title: `${line.label}, cap ${shown(point.x, x.unit)}\n${shown(point.median, axis.unit)} (${shown(point.low, axis.unit)} to ${shown(point.high, axis.unit)})`,
    })),
  );
  const knees = lines.flatMap(({ knee, colour: place, label }) =>
    knee === null
      ? []
      : [
          {
            x: knee,
            stroke: colour(place),
            text: lines.length === 1 ? `knee ${knee}` : `${label}: ${knee}`,
          },
        ],
  );
  const domain = domainOf(
    axis,
    points.map(({ high }) => high),
  );
  const xs = domainOf(
    x,
    points.map((point) => point.x),
  );
  return Plot.plot({
    ...base(canvas, HEIGHT, `${axis.label} by cap: ${chart.caption}`),
    marginLeft: 62,
    marginTop: 34,
    x: { ...scaleOf(x, xs, Math.max(4, Math.floor(canvas.width / 90))), labelAnchor: "right" },
    y: { ...scaleOf(axis, domain, 6), labelAnchor: "top" },
    marks: [
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.ruleX(knees, { x: "x", stroke: "stroke", strokeDasharray: "3 3" }),
      Plot.text(knees, {
        x: "x",
        y: () => domain[1],
        dx: 5,
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
    ],
  });
}
