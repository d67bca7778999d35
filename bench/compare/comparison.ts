// Two results, cell by cell and as a whole.
//
// Every cell asks a question and the whole asks one more, so p values are Holm's over all of them: that any
// of them says "better" or "worse" of two equal things happens in at most 5 of 100 comparisons, before the
// noise band makes it rarer still.
//
// The whole is the geometric mean over the cells that both have, taken trial by trial: the first trials of all
// cells make one value, the second ones the next. So it is a sample like any other, with the same test.

import type { KeyName } from "../job/keys.ts";
import type { CellResult, RunResult } from "../result.ts";
import { SCHEMA_VERSION } from "../result.ts";
import { geomean } from "../statistics/geomean.ts";
import { holm } from "../statistics/holm.ts";
import type { Metric } from "./metric.ts";
import { type Difference, difference, ENOUGH, FEWEST, judge, type Verdict } from "./verdict.ts";

export interface ComparedCell extends Difference {
  readonly job: string;
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  readonly p_holm: number;
  readonly band: number;
  readonly verdict: Verdict;
}

export interface Whole extends Difference {
  readonly rows: number;
  readonly p_holm: number;
  readonly band: number;
  readonly verdict: Verdict;
}

export interface Comparison {
  readonly schema_version: number;
  readonly kind: "aoe bench compare";
  readonly metric: string;
  readonly higher_is_better: boolean;
  readonly base: Side;
  readonly head: Side;
  readonly cells: readonly ComparedCell[];
  /** Geometric mean over matched rows; null: none matched. */
  readonly geomean: Whole | null;
  /** Of the comparison as a whole. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly summary: string;
  readonly warnings: readonly string[];
}

interface Side {
  readonly arm: string;
  readonly git_revision: string | null;
  readonly started_at: string;
  readonly failed_trials: number;
}

/** The noise band of a cell, as a share. */
export type BandOf = (cell: CellResult) => number;

/** What makes two cells the same row: everything but how often and in which order they ran. */
export function rowKey(cell: CellResult): string {
  const { trials: _t, seed: _s, retries: _r, floor: _f, order: _o, ...rest } = cell.values;
  return JSON.stringify([cell.job, Object.entries(rest).sort()]);
}

export function compare(
  base: RunResult,
  head: RunResult,
  metric: Metric,
  bandOf: BandOf,
): Comparison {
  const heads = new Map(head.cells.map((cell) => [rowKey(cell), cell]));
  const pairs = base.cells.flatMap((cell) => {
    const other = heads.get(rowKey(cell));
    return other === undefined ? [] : [{ base: cell, head: other }];
  });
  const samples = pairs.map((pair) => ({
    cell: pair.base,
    base: values(pair.base, metric),
    head: values(pair.head, metric),
  }));
  const usable = samples.filter(({ base, head }) => base.length > 0 && head.length > 0);
  const found = usable.map((one) => difference(one.base, one.head));
  const rounds = {
    base: byRound(usable.map((one) => one.base)),
    head: byRound(usable.map((one) => one.head)),
  };
  const whole = usable.length === 0 ? null : difference(rounds.base, rounds.head);
  // A single cell is the whole: one question, not two.
  const asked = [...found, ...(whole !== null && usable.length > 1 ? [whole] : [])];
  const adjusted = holm(asked.map(({ p }) => p));
  const cells = usable.map(({ cell }, index): ComparedCell => {
    const own = found[index] as Difference;
    const p = adjusted[index] ?? 1;
    const band = bandOf(cell);
    const verdict = judge(own, p, band, metric.higherIsBetter);
    return { job: cell.job, axes: cell.axes, ...own, p_holm: p, band, verdict };
  });
  const total = whole === null ? null : judgeWhole(whole, cells, adjusted, metric);
  const verdict = overall(cells, total);
  return {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench compare",
    metric: metric.name,
    higher_is_better: metric.higherIsBetter,
    base: sideOf(base),
    head: sideOf(head),
    cells,
    geomean: total,
    verdict,
    summary: summarize(verdict, cells, total, metric),
    warnings: warn(base, head, pairs.length, samples.length - usable.length, cells),
  };
}

function values(cell: CellResult, metric: Metric): number[] {
  return cell.trials.flatMap(({ figures }) => {
    const value = figures === null ? 0 : metric.of(figures);
    return value > 0 ? [value] : [];
  });
}

/** The k-th values of all rows, as one: as many as the shortest row has. */
function byRound(rows: readonly (readonly number[])[]): number[] {
  const rounds = rows.length === 0 ? 0 : Math.min(...rows.map((row) => row.length));
  return Array.from({ length: rounds }, (_, round) =>
    geomean(rows.map((row) => row[round] ?? Number.NaN)),
  );
}

function judgeWhole(
  whole: Difference,
  cells: readonly ComparedCell[],
  adjusted: readonly number[],
  metric: Metric,
): Whole {
  const p = adjusted[cells.length] ?? adjusted[0] ?? 1;
  // Independent noise of many cells cancels in their mean, at worst it doesn't.
  const band = geomean(cells.map((cell) => 1 + cell.band)) - 1;
  const verdict = judge(whole, p, band, metric.higherIsBetter);
  return { ...whole, rows: cells.length, p_holm: p, band, verdict };
}

function overall(cells: readonly ComparedCell[], whole: Whole | null): Verdict {
  const all = [...cells.map(({ verdict }) => verdict), ...(whole === null ? [] : [whole.verdict])];
  if (all.includes("worse")) return "worse";
  if (all.includes("better")) return "better";
  return whole?.verdict ?? "inconclusive";
}

function sideOf(result: RunResult): Side {
  return {
    arm: result.arm,
    git_revision: result.provenance.git_revision,
    started_at: result.started_at,
    failed_trials: result.cells
      .flatMap((cell) => cell.trials)
      .filter((trial) => trial.failure !== null).length,
  };
}

function summarize(
  verdict: Verdict,
  cells: readonly ComparedCell[],
  whole: Whole | null,
  metric: Metric,
): string {
  if (whole === null) return "Nothing to compare: no row has figures on both sides.";
  const of = `${metric.name} of the head at ${share(whole.ratio)} of the base's (${share(whole.low)} to ${share(whole.high)}; noise band ±${(100 * whole.band).toFixed(1)} %)`;
  const rows = whole.rows === 1 ? "" : ` over ${whole.rows} rows (geometric mean)`;
  const single = cells.filter((cell) => cell.verdict === verdict);
  const which =
    whole.rows > 1 && (verdict === "worse" || verdict === "better") && whole.verdict !== verdict
      ? `; ${verdict} in ${single.map(nameOf).join(" and ")}`
      : "";
  return `${verdict}: ${of}${rows}${which}.`;
}

export function nameOf(cell: Pick<ComparedCell, "axes" | "job">): string {
  return Object.values(cell.axes).join(" ") || cell.job;
}

export function share(ratio: number): string {
  return `${(100 * ratio).toFixed(1)} %`;
}

function warn(
  base: RunResult,
  head: RunResult,
  matched: number,
  empty: number,
  cells: readonly ComparedCell[],
): string[] {
  const warnings: string[] = [];
  const unmatched = base.cells.length + head.cells.length - 2 * matched;
  if (unmatched > 0) warnings.push(`${unmatched} rows stand on one side only and are left out.`);
  if (empty > 0) warnings.push(`${empty} rows have no figures on one side and are left out.`);
  const fewest = Math.min(...cells.map((cell) => Math.min(cell.base.n, cell.head.n)));
  if (cells.length > 0 && fewest < FEWEST) {
    warnings.push(
      `A row has ${fewest} ${fewest === 1 ? "trial" : "trials"} on a side: below ${FEWEST} there is no verdict (--set trials=${ENOUGH}).`,
    );
  } else if (cells.length > 0 && fewest < ENOUGH) {
    warnings.push(
      `A row has ${fewest} trials on a side: below ${ENOUGH} a verdict is less sure (--set trials=${ENOUGH}).`,
    );
  }
  return warnings;
}
