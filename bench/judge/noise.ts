// How far two runs of the same thing come apart on this machine: the band that a verdict must clear.
//
//   within    the trials of one A/A run, split in two halves at random, again and again: the distance
//             that 95 of 100 splits don't exceed
//   between   the middles of several A/A runs at different times: the largest distance to their median
//   band      the larger of both, and never under LEAST
//
// Kept by machine, metric and row; for a row that no A/A run has had, the widest band of its job's link
// counts, and where there is nothing at all, ASSUMED with a warning.

import { join } from "node:path";
import { createRandom } from "../../words/random.ts";
import { valuesOf } from "../result/cell_figures.ts";
import type { CellResult, RunResult } from "../result/result.ts";
import { median, quantile, sorted } from "../../statistics/quantile.ts";
import type { BandOf } from "./comparison.ts";
import { rowKey } from "../result/row_key.ts";
import type { Metric } from "./metric.ts";
import { readIfThere, writeWhole } from "../result/result_file.ts";
import { stateFolder } from "../result/baselines.ts";

export const ASSUMED = 0.05;
const LEAST = 0.01;
const SPLITS = 200;
const SESSIONS = 10;

interface Row {
  /** Of each A/A run, the latest last: the distance within it, and its middle. */
  readonly sessions: readonly { readonly within: number; readonly middle: number }[];
}
/** By machine, link and metric, then by row. */
type Noise = Record<string, Record<string, Row>>;

function groupOf(result: RunResult, metric: Metric): string {
  return `${result.provenance.machine} ${result.link} ${metric.name}`;
}

function load(): Noise {
  const text = readIfThere(join(stateFolder(), "noise.json"));
  if (text === null) return {};
  try {
    return JSON.parse(text) as Noise;
  } catch {
    return {};
  }
}

/** Adds an A/A run of two arms; returns the bands of its rows. */
export function learnNoise(a: RunResult, b: RunResult, metric: Metric): Map<string, number> {
  const noise = load();
  const group = groupOf(a, metric);
  const rows = noise[group] ?? {};
  noise[group] = rows;
  const bands = new Map<string, number>();
  for (const [index, cell] of a.cells.entries()) {
    const values = [cell, b.cells[index]].flatMap((one) =>
      one === undefined ? [] : valuesOf(one.trials, metric.key).map(Math.log),
    );
    if (values.length < 4 || !values.every(Number.isFinite)) continue;
    const key = rowKey(cell);
    const session = { within: within(values, a.seed), middle: median(values) };
    const row = { sessions: [...(rows[key]?.sessions ?? []), session].slice(-SESSIONS) };
    rows[key] = row;
    bands.set(key, bandOfRow(row));
  }
  writeWhole(join(stateFolder(), "noise.json"), `${JSON.stringify(noise, null, 1)}\n`);
  return bands;
}

/** What random halves of one sample differ by, in logarithms. */
export function within(values: readonly number[], seed: number): number {
  const random = createRandom(seed).fork("splits");
  const half = values.length >> 1;
  const distances: number[] = [];
  for (let split = 0; split < SPLITS; split++) {
    const left = [...values];
    for (let last = left.length - 1; last > 0; last--) {
      const other = random.below(last + 1);
      [left[last], left[other]] = [left[other] ?? 0, left[last] ?? 0];
    }
    distances.push(Math.abs(median(left.slice(0, half)) - median(left.slice(half))));
  }
  return quantile(sorted(distances), 0.95);
}

function bandOfRow({ sessions }: Row): number {
  const middles = sessions.map(({ middle }) => middle);
  const centre = median(middles);
  const between = Math.max(...middles.map((middle) => Math.abs(middle - centre)));
  const inside = median(sessions.map((session) => session.within));
  return Math.max(LEAST, Math.expm1(Math.max(between, inside)));
}

export interface KnownBands {
  readonly bandOf: BandOf;
  /** A sentence where a band is not this machine's own. */
  readonly warning: string | null;
}

/** `given`: --band, which wins. */
export function knownBands(base: RunResult, metric: Metric, given: number | null): KnownBands {
  if (given !== null) return { bandOf: () => given, warning: null };
  // Under the virtual clock there is no noise in anything but CPU time.
  if (base.link === "virtual" && metric.name !== "cpu") return { bandOf: () => 0, warning: null };
  const rows = load()[groupOf(base, metric)] ?? {};
  const bands = new Map(Object.entries(rows).map(([key, row]) => [key, bandOfRow(row)]));
  const widest = bands.size === 0 ? null : Math.max(...bands.values());
  const missing = base.cells.filter((cell: CellResult) => !bands.has(rowKey(cell))).length;
  const bandOf: BandOf = (cell) => bands.get(rowKey(cell)) ?? widest ?? ASSUMED;
  if (missing === 0) return { bandOf, warning: null };
  const instead =
    widest === null
      ? `${100 * ASSUMED} % is assumed`
      : `the widest known, ${(100 * widest).toFixed(1)} %, is taken`;
  return {
    bandOf,
    warning: `This machine's noise is not known for ${missing} of ${base.cells.length} rows, so ${instead}: learn it with aoe bench compare --noise JOB.`,
  };
}
