// The rows of a comparison: a sentence of figures, the head as a share of the base, and both in one
// row.

import type { JudgedPair } from "../../judge/judged_file.ts";
import { METRICS } from "../../judge/metric.ts";
import { nameOf } from "../../judge/rows.ts";
import type { Spread } from "../../result/arm_cells.ts";
import { valuesOf } from "../../result/cell_figures.ts";
import type { RunResult } from "../../result/result.ts";
import { listed } from "../../../words/shown.ts";
import { tableOf } from "../figure.ts";
import {
  type Axis,
  type Chart,
  type IntervalRow,
  type Section,
  sectionOf,
  TONES,
} from "../report.ts";

const MEASURED: Readonly<Record<string, string>> = {
  iops: "Throughput",
  "lat.mean": "Mean latency",
  "lat.p50": "Median latency",
  "lat.p99": "The 99th percentile of latency",
  cpu: "CPU time of a command",
  pool: "Time of a pool operation",
};

/** A measured comparison in a sentence of figures. */
export function plainly(comparison: JudgedPair): string {
  const { geomean, metric, cells, verdict, changes, summary } = comparison;
  const one = geomean;
  if (one === null || changes !== null || !Number.isFinite(one.ratio)) return capital(summary);
  const range = `${percent(one.low)} to ${percent(one.high)}`;
  const rows = one.rows > 1 ? ` over ${one.rows} rows` : "";
  const what = MEASURED[metric] ?? metric;
  const far = `${percent(Math.abs(one.ratio - 1))} ${one.ratio < 1 ? "lower" : "higher"}`;
  const sure = `${range} of the base's; noise band ±${percent(one.band)}`;
  const whole = `${what} is ${far} in the head${rows} (${sure})`;
  const single = cells.filter((cell) => cell.verdict === verdict).map(nameOf);
  const decides = verdict === "worse" || verdict === "better";
  if (decides && single.length > 0 && single.length < cells.length) {
    return `${whole}; ${verdict} in ${listed(single)}.`;
  }
  return verdict === "inconclusive" ? `${whole}: that decides nothing.` : `${whole}.`;
}

export function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "∞";
}

export function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Every row of a comparison: the ratio of both, and both. */
export function rowsSection(
  id: string,
  topic: string,
  comparison: JudgedPair,
  runs: readonly [RunResult, RunResult] | null,
  notes: readonly string[],
): Section {
  const { cells, geomean, metric, verdict } = comparison;
  const jobs = new Set(cells.map(({ job }) => job)).size > 1;
  const label = (cell: (typeof cells)[number]): string => {
    const name = nameOf(cell);
    return jobs && name !== cell.job ? `${cell.job} ${name}` : name;
  };
  const unit: Axis["unit"] = metric === "iops" ? "count" : "time";
  const name = metric === "iops" ? "IOPS" : (MEASURED[metric] ?? metric);
  const axis = { label: name, unit, log: false, reach: [] } as const;
  const exact = comparison.changes !== null;
  const section = sectionOf(id, topic)(plainly(comparison), {
    notes: [
      ...(exact
        ? ["Exact figures, the same on every machine."]
        : [
            "Left: the head as a share of the base, with its interval; the grey band is noise.",
            "An interval that lies outside of the band as a whole shows a difference.",
            "Right: medians over the trials with their intervals.",
          ]),
      ...notes,
    ],
    charts:
      cells.length === 0
        ? []
        : [ratios(comparison, label), overlaid(comparison, label, axis, runs)],
    table:
      cells.length === 0
        ? null
        : tableOf(cells, [
            ["row", label],
            ["verdict", ({ disturbed, verdict: own }) => (disturbed ? "disturbed" : own)],
            ["base", unit, ({ base }) => base.median],
            ["head", unit, ({ head }) => head.median],
            ["head / base", ({ ratio }) => percent(ratio)],
            ["from", ({ low }) => percent(low)],
            ["to", ({ high }) => percent(high)],
            ["noise band", ({ band }) => `±${percent(band)}`],
            ["p, after Holm", ({ p_holm: p }) => (p < 0.001 ? "<0.001" : p.toFixed(3))],
            ["trials", ({ base, head }) => `${base.n}+${head.n}`],
          ]),
  });
  const whole =
    geomean === null || geomean.rows < 2
      ? ""
      : `Geometric mean of ${geomean.rows} rows: ${percent(geomean.ratio)}, ${geomean.verdict}.`;
  return { ...section, notes: [...section.notes, ...(whole === "" ? [] : [whole])], verdict };
}

type Labelled = (cell: JudgedPair["cells"][number]) => string;

function ratios({ cells, geomean }: JudgedPair, label: Labelled): Chart {
  const rowOf = (
    name: string,
    one: Omit<JudgedPair["cells"][number], "job" | "axes" | "disturbed">,
  ): IntervalRow => ({
    label: name,
    colour: TONES[one.verdict],
    spreads: drawn({ median: one.ratio, low: one.low, high: one.high, values: [] }),
    band: [1 / (1 + one.band), 1 + one.band],
  });
  return {
    kind: "intervals",
    caption: "head as a share of the base",
    axis: { label: "head / base", unit: "share", log: false, reach: [0.94, 1.06], tight: true },
    names: ["head / base"],
    rows: [
      ...cells.map((cell) => rowOf(label(cell), cell)),
      ...(geomean === null || geomean.rows < 2 ? [] : [rowOf("geometric mean", geomean)]),
    ],
    reference: { name: "equal", value: 1 },
  };
}

function overlaid(
  { cells, metric }: JudgedPair,
  label: Labelled,
  axis: Axis,
  runs: readonly [RunResult, RunResult] | null,
): Chart {
  const key = METRICS.find(({ name }) => name === metric)?.key;
  const spreadOf = (cell: (typeof cells)[number], side: "base" | "head"): Spread[] => {
    const own = runs?.[side === "base" ? 0 : 1].cells.find(
      (one) => nameOf(one) === nameOf(cell) && one.job === cell.job,
    );
    const values = own === undefined || key === undefined ? [] : valuesOf(own.trials, key);
    const { median, low, high } = cell[side];
    return drawn({ median, low, high, values: values.filter(Number.isFinite) });
  };
  return {
    kind: "intervals",
    caption: `${MEASURED[metric] ?? metric}, base and head`,
    axis,
    names: ["head", "base"],
    rows: cells.map((cell) => ({
      label: label(cell),
      colour: 1,
      spreads: [...spreadOf(cell, "head"), ...spreadOf(cell, "base")],
    })),
    reference: null,
  };
}

/** Nothing where it has no end. */
function drawn(spread: Spread): Spread[] {
  return [spread.median, spread.low, spread.high].every(Number.isFinite) ? [spread] : [];
}
