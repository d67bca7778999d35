// What is asked of the target beside its peers, and what was found: one row for each bar. A bar that is asked of each
// cell is judged by the worst of them; the geometric mean stands beside it.

import { formatSize, MS } from "../../words/quantity.ts";
import { ECHO_RING, OURS, VBLADE } from "./arms.ts";
import type { Bar, CellSummary, PeersIdle, PeersResult } from "./peers_result.ts";
import { geomean } from "../../statistics/geomean.ts";
import { median } from "../../statistics/quantile.ts";
import { DEEP, SHALLOW } from "./summary.ts";

/** The idle target in the mode that does not spin. */
export const FRUGAL = "ours, frugal";
/** Load generators: ours in the mode that does not spin, one in C that never does, ours as it comes. */
export const LOADS = { ours: "load, frugal", c: "load in C", spinning: "load" } as const;

type Summary = Pick<PeersResult, "cells" | "one_cpu" | "loads" | "idle">;
type Ratio = CellSummary["ratios"][number];
type Take = (ratio: Ratio) => number | null;

const iops: Take = (ratio) => ratio.iops.median;
const p99: Take = (ratio) => ratio.lat_p99.median;
const targetCpu: Take = (ratio) => ratio.target_cpu?.median ?? null;
const loadCpu: Take = (ratio) => ratio.load_cpu.median;

export function barsOf({ cells, one_cpu, loads, idle }: Summary): Bar[] {
  const deep = (list: readonly CellSummary[]): CellSummary[] => atDepths(list, DEEP);
  const shallow = atDepths(cells, SHALLOW);
  return [
    each("our target / vblade -b 256, IOPS, each cell", cells, VBLADE, iops, "≥", 1),
    mean("the same, geometric mean at depth 16 and 64", deep(cells), VBLADE, iops, "≥", 1.4),
    mean("the same, geometric mean at depth 1", shallow, VBLADE, iops, "≥", 2.5),
    mean(
      "our target / the ring limit in C, IOPS, geometric mean at depth 16 and 64",
      deep(cells),
      ECHO_RING,
      iops,
      "≥",
      0.8,
    ),
    each("p99 / vblade's, each cell", cells, VBLADE, p99, "≤", 1),
    each(
      "target CPU per operation / vblade's, each cell at depth 16 and 64",
      deep(cells),
      VBLADE,
      targetCpu,
      "≤",
      1,
    ),
    each(
      "depth 1 without a spin, load and target on one CPU / vblade, IOPS, each cell",
      one_cpu,
      VBLADE,
      iops,
      "≥",
      1,
    ),
    each("our load's CPU per operation / one's in C, each cell", loads, LOADS.c, loadCpu, "≤", 1.3),
    startBar(idle),
    memoryBar(idle),
    idleBar(idle),
  ];
}

function atDepths(cells: readonly CellSummary[], depths: readonly number[]): CellSummary[] {
  return cells.filter(({ iodepth }) => depths.includes(iodepth));
}

interface Found {
  readonly cell: CellSummary;
  readonly value: number;
}

function valuesOf(cells: readonly CellSummary[], arm: string, take: Take): Found[] {
  return cells.flatMap((cell) => {
    const ratio = cell.ratios.find((one) => one.arm === arm);
    const value = ratio === undefined ? null : take(ratio);
    return value === null || Number.isNaN(value) ? [] : [{ cell, value }];
  });
}

type Direction = "≥" | "≤";

function holds(value: number, direction: Direction, bar: number): boolean {
  return direction === "≥" ? value >= bar : value <= bar;
}

function each(
  what: string,
  cells: readonly CellSummary[],
  arm: string,
  take: Take,
  direction: Direction,
  bar: number,
): Bar {
  const found = valuesOf(cells, arm, take);
  const asked = `${direction} ${bar.toFixed(1)}`;
  const [worst] = found.toSorted((a, b) =>
    direction === "≥" ? a.value - b.value : b.value - a.value,
  );
  if (worst === undefined) return { what, bar: asked, found: null, met: null };
  const good = found.filter(({ value }) => holds(value, direction, bar)).length;
  return {
    what,
    bar: asked,
    found: `${worst.value.toFixed(2)} at worst (${cellName(worst.cell)}), ${geomean(found.map(({ value }) => value)).toFixed(2)} in the mean; met in ${good} of ${found.length}`,
    met: good === found.length,
  };
}

function mean(
  what: string,
  cells: readonly CellSummary[],
  arm: string,
  take: Take,
  direction: Direction,
  bar: number,
): Bar {
  const found = valuesOf(cells, arm, take);
  const asked = `${direction} ${bar.toFixed(1)}`;
  if (found.length === 0) return { what, bar: asked, found: null, met: null };
  const value = geomean(found.map((one) => one.value));
  return {
    what,
    bar: asked,
    found: `${value.toFixed(2)} over ${found.length} ${found.length === 1 ? "cell" : "cells"}`,
    met: holds(value, direction, bar),
  };
}

export function cellName({ bs, iodepth, rw }: Pick<CellSummary, "bs" | "iodepth" | "rw">): string {
  return `${formatSize(bs)} ${rw} depth ${iodepth}`;
}

const START_NS = 60 * MS;
const RESIDENT_BYTES = 64 * 2 ** 20;
const IDLE_SHARE = 0.005;

function startBar(idle: readonly PeersIdle[]): Bar {
  const starts = idle.find(({ arm }) => arm === OURS)?.start_ns ?? [];
  const value = median(starts);
  return {
    what: "start until the first discovery answer",
    bar: "≤ 60 ms",
    found:
      starts.length === 0
        ? null
        : `${(value / MS).toFixed(1)} ms (${starts.length} starts, ${(Math.min(...starts) / MS).toFixed(1)} to ${(Math.max(...starts) / MS).toFixed(1)})`,
    met: starts.length === 0 ? null : value <= START_NS,
  };
}

function memoryBar(idle: readonly PeersIdle[]): Bar {
  const bytes = known(idle.find(({ arm }) => arm === OURS)?.resident_bytes ?? []);
  const value = median(bytes);
  return {
    what: "resident memory of an idle target",
    bar: "≤ 64 MiB",
    found: bytes.length === 0 ? null : `${(value / 2 ** 20).toFixed(1)} MiB`,
    met: bytes.length === 0 ? null : value <= RESIDENT_BYTES,
  };
}

function idleBar(idle: readonly PeersIdle[]): Bar {
  const shares = known(idle.find(({ arm }) => arm === FRUGAL)?.idle_cpu_share ?? []);
  const value = median(shares);
  return {
    what: "CPU of an idle target in frugal mode",
    bar: "< 0.5 %",
    found: shares.length === 0 ? null : `${(100 * value).toFixed(2)} %`,
    met: shares.length === 0 ? null : value < IDLE_SHARE,
  };
}

function known(list: readonly (number | null)[]): number[] {
  return list.flatMap((value) => value ?? []);
}
