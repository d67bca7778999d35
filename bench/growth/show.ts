// A result of `aoe bench growth` for people: a table for each axis, and a sentence for each measure.

import { formatDuration } from "../../words/quantity.ts";
import { atLeast } from "../peers/load_limit.ts";
import { barRows } from "../result/bar.ts";
import type { Block, Shown } from "../result/blocks.ts";
import { FLAT, type Measure } from "./axes.ts";
import type { AxisSummary, GrowthResult, PointSummary } from "./result.ts";

const SPOKEN: Readonly<Record<Measure, string>> = {
  target_cpu_ns: "target CPU per read",
  lat_p50_ns: "median latency",
};

export function showGrowth({ axes, trials }: GrowthResult): Shown {
  const failures = trials.flatMap(({ axis, value, failure }) =>
    failure === null ? [] : [`${axis} ${value}: ${failure}`],
  );
  return {
    blocks: axes.flatMap((axis) => [
      blockOf(axis),
      ...(axis.bars.length === 0
        ? []
        : [{ title: `${axis.axis}: what is promised`, rows: barRows(axis.bars) }]),
    ]),
    sentences: [
      `medians over trials, with the range that holds the true one with 95 % chance (all of them where there are too few); flat: at most ${FLAT} times the first`,
      ...failures,
    ],
  };
}

function blockOf({ axis, about, points, ends }: AxisSummary): Block {
  const rows = points.map((point) => ({
    [axis]: point.label,
    "target CPU per read": shown(point.target_cpu_ns),
    "latency p50": shown(point.lat_p50_ns),
    "reads/s": point.iops === null ? "failed" : atLeast(point.by_load, point.iops.median),
    lost: String(point.lost),
  }));
  const notes = ends.map(({ measure, ratio, flat, reason }) => {
    if (ratio === null) return `${SPOKEN[measure]}: ${reason ?? "not measured at both ends"}`;
    const times = `${SPOKEN[measure]}: ${ratio.toFixed(2)} ×`;
    return flat === true ? `${times}, flat` : `${times}: ${reason ?? "grows"}`;
  });
  return { title: `${axis}: ${about}`, rows, notes };
}

function shown(of: PointSummary["target_cpu_ns"]): string {
  if (of === null) return "";
  const [median, low, high] = [of.median, of.low, of.high].map((ns) =>
    formatDuration(Math.round(ns)),
  );
  return of.n === 1 ? `${median}` : `${median} (${low} to ${high})`;
}
