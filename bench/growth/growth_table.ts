// A result of `aoe bench growth` for people: a table for each axis, and a sentence for each measure.

import { formatDuration } from "../../words/quantity.ts";
import { printableLines } from "../../words/printable.ts";
import { FLAT, type Measure } from "./axes.ts";
import type { AxisSummary, GrowthResult, PointSummary } from "./growth_result.ts";
import { formatRecords } from "../../words/table.ts";
import { rate } from "../../words/shown.ts";

const SPOKEN: Readonly<Record<Measure, string>> = {
  target_cpu_ns: "target CPU per read",
  lat_p50_ns: "median latency",
};

export function describeGrowth({ axes, trials }: GrowthResult, width?: number): string {
  const failures = trials.flatMap(({ axis, value, failure }) =>
    failure === null ? [] : [`${axis} ${value}: ${failure}`],
  );
  return printableLines(
    `${[
      ...axes.flatMap((axis) => [describeAxis(axis, width), ""]),
      `medians over trials, with the range that holds the true one with 95 % chance (all of them where there are too few); flat: at most ${FLAT} times the first`,
      ...failures,
    ].join("\n")}\n`,
  );
}

function describeAxis({ axis, about, points, ends }: AxisSummary, width?: number): string {
  const rows = points.map((point) => ({
    [axis]: point.label,
    "target CPU per read": shown(point.target_cpu_ns),
    "latency p50": shown(point.lat_p50_ns),
    "reads/s": point.iops === null ? "failed" : rate(point.iops.median),
    lost: String(point.lost),
  }));
  const sentences = ends.map(({ measure, ratio, flat, reason }) => {
    if (ratio === null) return `${SPOKEN[measure]}: not measured at both ends`;
    const times = `${SPOKEN[measure]}: ${ratio.toFixed(2)} ×`;
    return flat === true ? `${times}, flat` : `${times}: ${reason ?? "grows"}`;
  });
  return [`${axis}: ${about}`, formatRecords(rows, width).trimEnd(), ...sentences].join("\n");
}

function shown(of: PointSummary["target_cpu_ns"]): string {
  if (of === null) return "";
  const [median, low, high] = [of.median, of.low, of.high].map((ns) =>
    formatDuration(Math.round(ns)),
  );
  return of.n === 1 ? `${median}` : `${median} (${low} to ${high})`;
}
