// What is asked of target and load beside their peers, and what was found: one row for each bar.
// A bar of each cell is judged by the worst of them; the geometric mean stands beside it. Cells in
// which the load was the limit of a target are left out.

import { formatSize, MS } from "../../words/quantity.ts";
import { geomean } from "../../statistics/geomean.ts";
import { median } from "../../statistics/quantile.ts";
import type { Bar } from "../result/bar.ts";
import { DEEP, DEEPEST, ECHO_RING, LOADS, OURS, VBLADE } from "./names.ts";
import type { CellSummary, PeersIdle, PeersResult } from "./result.ts";

/** The idle target in the mode that does not spin. */
export const FRUGAL = "ours, frugal";

type Summary = Pick<PeersResult, "cells" | "one_cpu" | "loads" | "idle">;
type Ratio = CellSummary["ratios"][number];
type Take = (ratio: Ratio) => number | null;

/** A ratio of ours over an arm's that is to be at least or at most so much. */
type Asked = readonly [
  what: string,
  cells: readonly CellSummary[],
  arm: string,
  take: Take,
  is: "≥" | "≤",
  bar: number,
];

const iops: Take = (ratio) => ratio.iops.median;
const p99: Take = (ratio) => ratio.lat_p99.median;
const targetCpu: Take = (ratio) => ratio.target_cpu?.median ?? null;
const loadCpu: Take = (ratio) => ratio.load_cpu.median;

export function barsOf({ cells, one_cpu, loads, idle }: Summary): Bar[] {
  const at = (depths: readonly number[], of: readonly CellSummary[]): CellSummary[] =>
    of.filter(({ iodepth }) => depths.includes(iodepth));
  const [deep, deepest] = [at(DEEP, cells), at(DEEPEST, cells)];
  const limit = "our target / the ring limit in C, IOPS, geometric mean at depth 16 and 64";
  const cpu = "target CPU per command / the ring limit's, each cell at depth 64";
  const one = "one CPU, depth 1, no polling: our target / vblade -b 256, IOPS, each cell";
  const load =
    "our load's CPU per command / the one's in C, no polling, each cell at depth 16 and 64";
  const rate = "our load against the ring limit / the one in C, IOPS, each cell at depth 64";
  return [
    each("our target / vblade -b 256, IOPS, each cell", cells, VBLADE, iops, "≥", 1),
    mean("the same, geometric mean at depth 64", deepest, VBLADE, iops, "≥", 1.6),
    mean(limit, deep, ECHO_RING, iops, "≥", 0.85),
    each("the same, each cell", deep, ECHO_RING, iops, "≥", 0.7),
    each(cpu, deepest, ECHO_RING, targetCpu, "≤", 1.3),
    each(load, loads, LOADS["c-frugal"], loadCpu, "≤", 1.5),
    each(rate, at(DEEPEST, loads), LOADS.c, iops, "≥", 0.8),
    each("p99 / vblade's, each cell", cells, VBLADE, p99, "≤", 1),
    each(one, one_cpu, VBLADE, iops, "≥", 1),
    ...IDLE.map((asked) => judgeIdle(asked, idle)),
  ];
}

interface Found {
  readonly cell: CellSummary;
  readonly value: number;
}

const holds = (value: number, is: Asked[4], bar: number): boolean =>
  is === "≥" ? value >= bar : value <= bar;

function valuesOf([, cells, arm, take]: Asked): Found[] {
  return cells.flatMap((cell) => {
    const ratio = cell.ratios.find((one) => one.arm === arm && !one.by_load);
    const value = ratio === undefined ? null : take(ratio);
    return value === null || Number.isNaN(value) ? [] : [{ cell, value }];
  });
}

const rowOf = ([what, , , , is, bar]: Asked): Pick<Bar, "what" | "bar"> => ({
  what,
  bar: `${is} ${bar.toFixed(bar * 10 === Math.round(bar * 10) ? 1 : 2)}`,
});

const meanOf = (found: readonly Found[]): number => geomean(found.map(({ value }) => value));

/** Asked of each cell. */
function each(...asked: Asked): Bar {
  const [, , , , is, bar] = asked;
  const found = valuesOf(asked);
  const row = rowOf(asked);
  const [worst] = found.toSorted((a, b) => (is === "≥" ? a.value - b.value : b.value - a.value));
  if (worst === undefined) return { ...row, found: null, met: null };
  const good = found.filter(({ value }) => holds(value, is, bar)).length;
  return {
    ...row,
    found: `${worst.value.toFixed(2)} at worst (${cellName(worst.cell)}), ${meanOf(found).toFixed(2)} in the mean; met in ${good} of ${found.length}`,
    met: good === found.length,
  };
}

/** Asked of the geometric mean over cells. */
function mean(...asked: Asked): Bar {
  const [, , , , is, bar] = asked;
  const found = valuesOf(asked);
  const row = rowOf(asked);
  if (found.length === 0) return { ...row, found: null, met: null };
  const value = meanOf(found);
  const over = `${found.length} ${found.length === 1 ? "cell" : "cells"}`;
  return { ...row, found: `${value.toFixed(2)} over ${over}`, met: holds(value, is, bar) };
}

export function cellName({ bs, iodepth, rw }: Pick<CellSummary, "bs" | "iodepth" | "rw">): string {
  return `${formatSize(bs)} ${rw} depth ${iodepth}`;
}

/** Asked of the median of what was found of an idle target. */
interface AskedIdle {
  readonly what: string;
  readonly bar: string;
  readonly arm: string;
  readonly values: (idle: PeersIdle) => readonly (number | null)[];
  readonly holds: (median: number) => boolean;
  readonly shown: (median: number, values: readonly number[]) => string;
}

const IDLE: readonly AskedIdle[] = [
  {
    what: "start until the first discovery answer",
    bar: "≤ 60 ms",
    arm: OURS,
    values: ({ start_ns }) => start_ns,
    holds: (ns) => ns <= 60 * MS,
    shown: (ns, starts) =>
      `${(ns / MS).toFixed(1)} ms (${starts.length} starts, ${(Math.min(...starts) / MS).toFixed(1)} to ${(Math.max(...starts) / MS).toFixed(1)})`,
  },
  {
    what: "resident memory of an idle target",
    bar: "≤ 64 MiB",
    arm: OURS,
    values: ({ resident_bytes }) => resident_bytes,
    holds: (bytes) => bytes <= 64 * 2 ** 20,
    shown: (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`,
  },
  {
    what: "CPU of an idle target in frugal mode",
    bar: "< 0.5 %",
    arm: FRUGAL,
    values: ({ idle_cpu_share }) => idle_cpu_share,
    holds: (share) => share < 0.005,
    shown: (share) => `${(100 * share).toFixed(2)} %`,
  },
];

function judgeIdle(asked: AskedIdle, idle: readonly PeersIdle[]): Bar {
  const { what, bar, arm, holds, shown } = asked;
  const own = idle.find((one) => one.arm === arm);
  const values = (own === undefined ? [] : asked.values(own)).flatMap((value) => value ?? []);
  if (values.length === 0) return { what, bar, found: null, met: null };
  const middle = median(values);
  return { what, bar, found: shown(middle, values), met: holds(middle) };
}
