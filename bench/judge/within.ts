// The arms of one result beside each other: `compare R.json --by pool`.
//
//              ┌─ columns: each value of the keys of --by; the job's first is the base
//   rows ──────┤
//              └─ everything else, as of two results; or only the keys of --rows, and then a row is
//                 the geometric mean over its cells, taken trial by trial as a comparison's whole is
//
// Statistics and words are those of two results (rows.ts). Holm's p are over all rows of all arms.

import { expected, usage } from "../../words/failure.ts";
import { parseProbability } from "../../words/quantity.ts";
import { rate, shownTime } from "../../words/shown.ts";
import { printableLines } from "../../words/printable.ts";
import { formatRecords } from "../../words/table.ts";
import { isKey, KEY_NAMES, type KeyName } from "../job/keys.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { areDisturbed, countedTrials, valuesOf } from "../result/cell_figures.ts";
import type { CellResult, RunResult } from "../result/result.ts";
import { NOT_OF_ROWS } from "../result/row_key.ts";
import { fewTrials } from "./comparison.ts";
import { areExact } from "./exact_cells.ts";
import type { JudgeOptions } from "./judge_results.ts";
import { metricFor, type Metric, parseMetric } from "./metric.ts";
import { knownBands } from "./noise.ts";
import {
  byRound,
  type ComparedCell,
  type JudgedRows,
  judgeTogether,
  nameOf,
  type Row,
  share,
} from "./rows.ts";
import type { Verdict } from "./verdict.ts";

export interface Within {
  readonly schema_version: number;
  readonly kind: "aoe bench compare --by";
  readonly metric: string;
  readonly higher_is_better: boolean;
  readonly by: readonly KeyName[];
  /** null: all other keys. */
  readonly rows: readonly KeyName[] | null;
  /** The arm that the others are compared with. */
  readonly base: string;
  readonly arms: readonly ({ readonly arm: string } & JudgedRows)[];
  /** Under the virtual clock: equality decides. */
  readonly exact: boolean;
  readonly verdict: Verdict;
  readonly failed_trials: number;
  readonly warnings: readonly string[];
}

/** `pool,kick`. */
export function parseKeys(text: string, what: string): KeyName[] {
  return text.split(",").map((name) => {
    const key = name.trim();
    if (!isKey(key)) throw expected(what, "keys of a job, such as pool or pool,kick", text);
    return key;
  });
}

export function judgeWithin(
  run: RunResult,
  by: readonly KeyName[],
  rows: readonly KeyName[] | null,
  options: JudgeOptions,
): Within {
  const metric = options.metric === undefined ? metricFor(run.cells) : parseMetric(options.metric);
  // What stands alone in its row is beside nothing.
  const several = [...grouped(run.cells, by, rows).values()].filter(
    (cells) => new Set(cells.map((cell) => labelOf(cell, by))).size > 1,
  );
  const columns = Map.groupBy(several.flat(), (cell) => labelOf(cell, by));
  const [base, ...others] = [...columns.keys()];
  if (base === undefined || others.length === 0) {
    throw usage(`Expected keys that vary in the result, got ${by.join(", ")}: it has one arm`);
  }
  const given = options.band === undefined ? null : parseProbability(options.band, "--band");
  const { bandOf, warning } = knownBands(run, metric, given);
  const rowsOf = (arm: string) => grouped(columns.get(arm) ?? [], by, rows);
  const groups = others.map((arm) => matched(rowsOf(base), rowsOf(arm), metric, bandOf));
  const exact = areExact(run, run, metric);
  const measureOf = (at: number) => ({ ...metric, sides: [base, others[at] ?? ""] as const });
  const judged = exact
    ? groups.map((group, at) => exactly(group, metric, [base, others[at] ?? ""]))
    : judgeTogether(groups, measureOf);
  const cells = judged.flatMap((one) => one.cells);
  const lost = others.filter((_, at) => groups[at]?.length === 0);
  return {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench compare --by",
    metric: metric.name,
    higher_is_better: metric.higherIsBetter,
    by,
    rows,
    base,
    arms: judged.map((one, at) => ({ arm: others[at] ?? "", ...one })),
    exact,
    verdict: worst(judged.map(({ verdict }) => verdict)),
    failed_trials: run.cells.reduce(
      (sum, { trials }) => sum + trials.length - countedTrials(trials).length,
      0,
    ),
    warnings: [
      ...(warning === null || exact ? [] : [warning]),
      ...(lost.length === 0 ? [] : [`No row of ${base} has one of ${lost.join(", ")} beside it.`]),
      ...(exact ? [] : fewTrials(cells, questionsOf(judged))),
    ],
  };
}

function questionsOf(judged: readonly JudgedRows[]): number {
  return judged.reduce((sum, { cells }) => sum + cells.length + (cells.length > 1 ? 1 : 0), 0);
}

function worst(verdicts: readonly Verdict[]): Verdict {
  const order = ["worse", "inconclusive", "better", "same"] as const;
  return order.find((one) => verdicts.includes(one)) ?? "inconclusive";
}

function labelOf({ axes, values }: CellResult, keys: readonly KeyName[]): string {
  return keys.map((key) => axes[key] ?? (values[key] || `no ${key}`)).join(" · ");
}

/** The cells of an arm by their row. */
function grouped(
  cells: readonly CellResult[],
  by: readonly KeyName[],
  rows: readonly KeyName[] | null,
): Map<string, CellResult[]> {
  return Map.groupBy(cells, (cell) => {
    const keys = rows ?? KEY_NAMES.filter((key) => !by.includes(key) && !NOT_OF_ROWS.includes(key));
    const own = keys.map((key) => cell.values[key]);
    return JSON.stringify(rows === null ? [cell.job, ...own] : own);
  });
}

function matched(
  base: ReadonlyMap<string, readonly CellResult[]>,
  head: ReadonlyMap<string, readonly CellResult[]>,
  metric: Metric,
  bandOf: (cell: CellResult) => number,
): Row[] {
  return [...base].flatMap(([key, cells]): Row[] => {
    const others = head.get(key) ?? [];
    const [first] = cells;
    const [a, b] = [cells, others].map((side) => samples(side, metric));
    if (first === undefined || a === undefined || b === undefined) return [];
    if (a.length === 0 || b.length === 0) return [];
    const all = [...cells, ...others];
    return [
      {
        job: first.job,
        axes: common(all),
        base: a,
        head: b,
        band: Math.max(...cells.map(bandOf)),
        disturbed: !metric.quiet && all.some(({ trials }) => areDisturbed(trials)),
      },
    ];
  });
}

function samples(cells: readonly CellResult[], metric: Metric): number[] {
  const values = cells.map(({ trials }) => valuesOf(trials, metric.key));
  return values.length === 1 ? (values[0] ?? []) : byRound(values);
}

/** What all of them have the same. */
function common(cells: readonly CellResult[]): CellResult["axes"] {
  const [first, ...rest] = cells;
  const axes = Object.entries(first?.axes ?? {}).filter(([key, label]) =>
    rest.every(({ axes: own }) => own[key as KeyName] === label),
  );
  return Object.fromEntries(axes);
}

/** Equality decides: what differs is a difference of the arms, on every machine. */
function exactly(
  rows: readonly Row[],
  metric: Metric,
  [base, head]: readonly [string, string],
): JudgedRows {
  const cells = rows.map(({ axes, base: a, head: b, job }): ComparedCell => {
    const [before, after] = [a[0] ?? Number.NaN, b[0] ?? Number.NaN];
    const ratio = before === after ? 1 : after / before;
    const verdict = ratio === 1 ? "same" : ratio > 1 === metric.higherIsBetter ? "better" : "worse";
    const p = ratio === 1 ? 1 : 0;
    const side = (median: number, n: number) => ({
      ...{ n, median, low: median, high: median },
      confidence: 1,
    });
    return {
      ...{ job, axes, disturbed: false, ratio, low: ratio, high: ratio, confidence: 1, p },
      ...{ p_holm: p, band: 0, verdict },
      base: side(before, a.length),
      head: side(after, b.length),
    };
  });
  const parts = (["worse", "better", "same"] as const).flatMap((word) => {
    const found = cells.filter(({ verdict }) => verdict === word);
    return found.length === 0
      ? []
      : [`${word} in ${found.map((cell) => `${nameOf(cell)} (${share(cell.ratio)})`).join(", ")}`];
  });
  const verdict = cells.length === 0 ? "inconclusive" : worst(cells.map((cell) => cell.verdict));
  const said = parts.length === 0 ? "no row has figures on both sides" : parts.join("; ");
  const summary = `${verdict}: ${metric.name} of ${head} beside ${base}: ${said}.`;
  return { cells, geomean: null, verdict, summary };
}

export function describeWithin(found: Within, width?: number): string {
  const { arms, base, by, exact, metric } = found;
  const all = arms.flatMap(({ cells }) => cells);
  const axes = KEY_NAMES.filter((key) => all.some((cell) => cell.axes[key] !== undefined));
  const jobs = new Set(all.map(({ job }) => job)).size > 1;
  const figure = (value: number): string => (metric === "iops" ? rate(value) : shownTime(value));
  const shown = ({ high, low, median }: ComparedCell["base"]): string =>
    exact ? figure(median) : `${figure(median)} (${figure(low)} – ${figure(high)})`;
  const rows = Map.groupBy(
    arms.flatMap(({ arm, cells }) => cells.map((cell) => ({ arm, cell }))),
    ({ cell }) => JSON.stringify([cell.job, cell.axes]),
  );
  const records = [...rows.values()].flatMap((own) => {
    const [first] = own;
    if (first === undefined) return [];
    const { cell } = first;
    const label = {
      ...(jobs ? { job: cell.job } : {}),
      ...Object.fromEntries(axes.map((axis) => [axis, cell.axes[axis] ?? ""])),
    };
    return [
      {
        ...{ ...label, [by.join(" · ")]: base, [metric]: shown(cell.base), "arm / base": "" },
        ...(exact ? {} : { p: "" }),
        verdict: "base",
      },
      ...own.map(({ arm, cell: other }) => ({
        [by.join(" · ")]: arm,
        [metric]: shown(other.head),
        verdict: other.disturbed ? "disturbed" : other.verdict,
        ...(exact
          ? { "arm / base": share(other.ratio) }
          : {
              "arm / base": `${share(other.ratio)} (${share(other.low)} – ${share(other.high)})`,
              p: other.p_holm < 0.001 ? "<0.001" : other.p_holm.toFixed(3),
            }),
      })),
    ];
  });
  const lines = [
    formatRecords(records, width, ["p"]).trimEnd(),
    exact
      ? "exact figures, the same on every machine: one that differs is a difference of the arms"
      : "medians over the trials and their intervals; p of the rank sum test after Holm over all",
    "",
    ...arms.map(({ summary }) => summary),
    "",
  ];
  return printableLines(lines.join("\n"));
}
