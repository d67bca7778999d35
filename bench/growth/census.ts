// What exports cost beside reads, at each point of their axis: the start, a discovery of all, the memory of an idle one;
// and reads of a single one of them. What docs/target.md promises of ten thousand is judged here.

import * as v from "valibot";
import { median } from "../../statistics/quantile.ts";
import { S } from "../../words/quantity.ts";
import { shownBytes, shownTime } from "../../words/shown.ts";
import type { Bar } from "../result/bar.ts";

export const CensusSchema = v.object({
  /** From the process's start to the first answer of its last export, whose files are there. */
  start_ns: v.number(),
  /** How many answered a broadcast to a plain socket, and until the last of them. */
  discovered: v.number(),
  discovery_ns: v.number(),
  /** Resident memory before the first read; null: /proc is another's. */
  idle_bytes: v.nullable(v.number()),
  /** A read's share of the time with the axis' depth outstanding at one export, another for each stretch. */
  one_export_ns: v.number(),
});
export type Census = v.InferOutput<typeof CensusSchema>;

/** Medians over trials; null: none has one. */
export function medianCensus(all: readonly Census[]): Census | null {
  if (all.length === 0) return null;
  const middle = (key: keyof Census): number => median(all.flatMap((one) => one[key] ?? []));
  const idle = middle("idle_bytes");
  return {
    start_ns: middle("start_ns"),
    discovered: middle("discovered"),
    discovery_ns: middle("discovery_ns"),
    idle_bytes: Number.isNaN(idle) ? null : idle,
    one_export_ns: middle("one_export_ns"),
  };
}

export interface CensusPoint {
  readonly value: number;
  readonly lat_p50_ns: { readonly median: number } | null;
  readonly census?: Census | null | undefined;
}

const RATIO = 1.1;

/** What is promised of so many exports, of the largest point beside a single one; none where either has no census. */
export function exportBars(points: readonly CensusPoint[]): Bar[] {
  const [near, far] = [points[0], points.at(-1)];
  if (near?.census == null || far?.census == null || near === far) return [];
  const [one, all] = [near.census, far.census];
  const most = (
    what: string,
    value: number,
    limit: number,
    shown: (value: number) => string,
  ): Bar => ({
    what,
    bar: `≤ ${shown(limit)}`,
    found: Number.isNaN(value) ? null : shown(value),
    met: Number.isNaN(value) ? null : value <= limit,
  });
  const ratio = (value: number): string => value.toFixed(2);
  const idle =
    one.idle_bytes === null || all.idle_bytes === null
      ? Number.NaN
      : (all.idle_bytes - one.idle_bytes) / (far.value - near.value);
  const count = far.value.toLocaleString("en-US");
  return [
    most(`start of ${count} exports, files there`, all.start_ns, 2 * S, shownTime),
    {
      what: "exports that one broadcast finds",
      bar: `= ${count}`,
      found: `${all.discovered.toLocaleString("en-US")} in ${shownTime(all.discovery_ns)}`,
      met: all.discovered === far.value,
    },
    most("memory of an idle export", idle, 4096, shownBytes),
    most(
      "a read, one at a time, by one of a single export",
      (far.lat_p50_ns?.median ?? Number.NaN) / (near.lat_p50_ns?.median ?? Number.NaN),
      RATIO,
      ratio,
    ),
    most(
      "a read of many outstanding at any one export, the same",
      all.one_export_ns / one.one_export_ns,
      RATIO,
      ratio,
    ),
  ];
}
