// Rows of two samples each, judged one by one and as a whole.
//
// Every row asks a question and the whole asks one more, so p values are Holm's over all of them: that any
// of them says "better" or "worse" of two equal things happens in at most 5 of 100 comparisons, before the
// noise band makes it rarer still.
//
// The whole is the geometric mean over the rows, taken trial by trial: the first trials of all rows make one
// value, the second ones the next. So it is a sample like any other, with the same test.

import type { KeyName } from "../job/keys.ts";
import { geomean } from "../../statistics/geomean.ts";
import { holm } from "../../statistics/holm.ts";
import { type Difference, difference, judge, logOf, type Verdict } from "./verdict.ts";

export interface Row {
  readonly job: string;
  readonly axes: Readonly<Partial<Record<KeyName, string>>>;
  /** At least one a side: 0 is a rate, Infinity the time of what never ended. */
  readonly base: readonly number[];
  readonly head: readonly number[];
  /** Its noise band, as a share. */
  readonly band: number;
  /** Others had the CPUs in half of a side's trials or more: nothing is decided from it. */
  readonly disturbed: boolean;
}

interface Judged extends Difference {
  readonly p_holm: number;
  readonly band: number;
  readonly verdict: Verdict;
}

export interface ComparedCell extends Judged {
  readonly job: string;
  readonly axes: Row["axes"];
  readonly disturbed: boolean;
}

export interface Whole extends Judged {
  readonly rows: number;
}

export interface JudgedRows {
  readonly cells: readonly ComparedCell[];
  /** Geometric mean over the rows; null: there is none. */
  readonly geomean: Whole | null;
  /** Of the comparison as a whole. */
  readonly verdict: Verdict;
  /** One sentence. */
  readonly summary: string;
}

/** What is compared. */
export interface Measure {
  readonly name: string;
  readonly higherIsBetter: boolean;
  /** What stands beside each other, where it isn't base and head. */
  readonly sides?: readonly [base: string, head: string];
}

export function judgeRows(rows: readonly Row[], measure: Measure): JudgedRows {
  const [judged] = judgeTogether([rows], () => measure);
  if (judged === undefined) throw new Error("invariant: one comparison, one judgement");
  return judged;
}

/** Several comparisons with one base: Holm's p are over the questions of all. */
export function judgeTogether(
  groups: readonly (readonly Row[])[],
  measureOf: (group: number) => Measure,
): JudgedRows[] {
  const all = groups.map(questionsOf);
  const adjusted = holm(all.flatMap(({ questions }) => questions.map(({ p }) => p)));
  let from = 0;
  return groups.map((rows, group) => {
    const own = all[group];
    if (own === undefined) throw new Error("invariant: each comparison has its questions");
    const until = from + own.questions.length;
    const judged = judgeGroup(rows, own, adjusted.slice(from, until), measureOf(group));
    from = until;
    return judged;
  });
}

interface Questions {
  readonly asked: readonly Row[];
  readonly found: readonly Difference[];
  readonly whole: Difference | null;
  readonly questions: readonly Difference[];
}

function questionsOf(rows: readonly Row[]): Questions {
  const asked = rows.filter(({ disturbed }) => !disturbed);
  const found = asked.map((row) => difference(row.base, row.head));
  const whole =
    asked.length === 0
      ? null
      : difference(byRound(asked.map(({ base }) => base)), byRound(asked.map(({ head }) => head)));
  // A single row is the whole: one question, not two.
  const questions = [...found, ...(whole !== null && asked.length > 1 ? [whole] : [])];
  return { asked, found, whole, questions };
}

function judgeGroup(
  rows: readonly Row[],
  { asked, found, whole }: Questions,
  adjusted: readonly number[],
  measure: Measure,
): JudgedRows {
  const cells = rows.map((row): ComparedCell => {
    const { job, axes, band, disturbed } = row;
    const index = asked.indexOf(row);
    const own = found[index] ?? difference(row.base, row.head);
    const p = adjusted[index] ?? 1;
    const verdict = disturbed ? "inconclusive" : judge(own, p, band, measure.higherIsBetter);
    return { job, axes, disturbed, ...own, p_holm: p, band, verdict };
  });
  const sure = cells.filter(({ disturbed }) => !disturbed);
  const total = whole === null ? null : judgeWhole(whole, sure, adjusted, measure);
  const verdict = overall(cells, total);
  return { cells, geomean: total, verdict, summary: summarize(verdict, cells, total, measure) };
}

/** The k-th values of all rows, as one: as many as the shortest row has. */
export function byRound(rows: readonly (readonly number[])[]): number[] {
  const rounds = rows.length === 0 ? 0 : Math.min(...rows.map((row) => row.length));
  return Array.from({ length: rounds }, (_, round) => {
    const logs = rows.map((row) => logOf(row[round] ?? Number.NaN));
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  });
}

function judgeWhole(
  whole: Difference,
  cells: readonly ComparedCell[],
  adjusted: readonly number[],
  measure: Measure,
): Whole {
  const p = adjusted[cells.length] ?? adjusted[0] ?? 1;
  // Independent noise of many cells cancels in their mean, at worst it doesn't.
  const band = geomean(cells.map((cell) => 1 + cell.band)) - 1;
  const verdict = judge(whole, p, band, measure.higherIsBetter);
  return { ...whole, rows: cells.length, p_holm: p, band, verdict };
}

function overall(cells: readonly ComparedCell[], whole: Whole | null): Verdict {
  const all = [...cells.map(({ verdict }) => verdict), ...(whole === null ? [] : [whole.verdict])];
  if (all.includes("worse")) return "worse";
  if (all.includes("better")) return "better";
  // No mean over the rows makes the same of what is beyond its band without a verdict, for too few
  // trials, or of what others disturbed.
  if (whole === null || cells.some((cell) => cell.disturbed || isBeyond(cell))) {
    return "inconclusive";
  }
  return whole.verdict;
}

/** Its whole interval lies on one side of its band. */
function isBeyond({ band, high, low }: ComparedCell): boolean {
  return low > 1 + band || high < 1 / (1 + band);
}

function summarize(
  verdict: Verdict,
  cells: readonly ComparedCell[],
  whole: Whole | null,
  measure: Measure,
): string {
  if (cells.length === 0) return "Nothing to compare: no row has figures on both sides.";
  if (whole === null) {
    const rows = cells.length === 1 ? "the row" : `all ${cells.length} rows`;
    return `inconclusive: other processes used the CPUs in half of the trials of ${rows} or more.`;
  }
  const [base, head] = measure.sides ?? ["the base", "the head"];
  const of = `${measure.name} of ${head} at ${share(whole.ratio)} of ${base}'s (${share(whole.low)} to ${share(whole.high)}; noise band ±${(100 * whole.band).toFixed(1)} %)`;
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
  if (!Number.isFinite(ratio)) return "∞";
  return `${(100 * ratio).toFixed(1)} %`;
}
