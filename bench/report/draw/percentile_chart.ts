// Latency against percentile; each unit of the horizontal axis is one more nine.

import * as Plot from "@observablehq/plot";
import type { PercentileChart } from "../report.ts";
import { shown } from "../figure.ts";
import { base, type Canvas, domainOf, scaleOf } from "./canvas.ts";
import { colour, dash } from "./palette.ts";

const HEIGHT = 300;
/** The last place that a name is written at. */
const NINES = 5;

/** What is left above a percentile, as a number of nines: 90 is 1, 99 is 2. */
function ninesOf(percentile: number): number {
  return -Math.log10(1 - percentile / 100);
}

function nameOf(nines: number): string {
  if (nines === 0) return "0 %";
  return nines <= 2 ? `${100 - 10 ** (2 - nines)} %` : `99.${"9".repeat(nines - 2)} %`;
}

export function drawPercentiles(chart: PercentileChart, canvas: Canvas) {
  const { curves, axis } = chart;
  const points = curves.flatMap(({ label, colour: place, dash: dashed, points: own }) =>
    own.map(([percentile, value]) => ({
      x: ninesOf(percentile),
      y: value,
      label,
      stroke: colour(place),
      dash: dash(dashed),
      title: `${label}\n${Number(percentile.toFixed(4))} %: ${shown(value, axis.unit)}`,
    })),
  );
  const domain = domainOf(
    axis,
    points.map(({ y }) => y),
  );
  const end = Math.min(NINES, Math.max(1, ...points.map(({ x }) => x)));
  const scale = scaleOf(axis, domain, 7);
  return Plot.plot({
    ...base(canvas, HEIGHT, `latency by percentile: ${chart.caption}`),
    marginLeft: 58,
    x: {
      domain: [0, end],
      label: "commands that are not above, %",
      labelAnchor: "right",
      ticks: Array.from({ length: NINES + 1 }, (_, at) => at).filter((at) => at <= end),
      tickFormat: nameOf,
    },
    y: { ...scale, labelAnchor: "top" },
    marks: [
      Plot.gridX({ stroke: "var(--grid)", strokeOpacity: 1 }),
      Plot.gridY({ stroke: "var(--grid)", strokeOpacity: 1, ticks: scale.ticks }),
      ...curves.map((curve) => {
        const own = points.filter(({ label }) => label === curve.label);
        return Plot.line(own, {
          x: "x",
          y: "y",
          stroke: colour(curve.colour),
          strokeDasharray: dash(curve.dash),
          strokeWidth: 2,
          strokeLinejoin: "round",
        });
      }),
      tipOn(points, canvas),
    ],
  });
}

/** The point under the pointer, in a browser. */
function tipOn(points: readonly object[], { document }: Canvas) {
  if (document !== null) return null;
  return Plot.tip(points, Plot.pointer({ x: "x", y: "y", title: "title" }));
}
