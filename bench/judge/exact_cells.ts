// Results under the virtual clock: the same figures on every machine, so equality decides, from one trial a side. A
// figure that changed is named; the metric alone says better or worse.

import type { Figures } from "../load/figures.ts";
import type { CellResult, RunResult } from "../result/result.ts";
import { rowKey } from "../result/row_key.ts";
import type { Metric } from "./metric.ts";
import { type ComparedCell, type JudgedRows, nameOf } from "./rows.ts";
import type { Verdict } from "./verdict.ts";

/** What the machine has a part in all the same. */
const OF_THE_MACHINE: readonly string[] = ["cpu_per_command_ns", "cpu_quiet_ns"];

/** Whether the two can be judged by equality. */
export function areExact(base: RunResult, head: RunResult, metric: Metric): boolean {
  return (
    [base, head].every(({ link }) => link === "virtual") && !OF_THE_MACHINE.includes(metric.key)
  );
}

export interface Change {
  readonly job: string;
  readonly axes: ComparedCell["axes"];
  /** The figure's key. */
  readonly figure: string;
  readonly base: number | boolean | null;
  readonly head: number | boolean | null;
}

export interface ExactRows extends JudgedRows {
  readonly changes: readonly Change[];
}

/** Rows of both results. A row without figures on a side is none. */
export function judgeExactly(base: RunResult, head: RunResult, metric: Metric): ExactRows {
  const heads = new Map(head.cells.map((cell) => [rowKey(cell), cell]));
  const changes: Change[] = [];
  const cells = base.cells.flatMap((cell): ComparedCell[] => {
    const other = heads.get(rowKey(cell));
    const [before, after] = [figuresOf(cell), other === undefined ? [] : figuresOf(other)];
    const [first, last] = [before[0], after[0]];
    if (first === undefined || last === undefined) return [];
    const found = changesOf(cell, before, after);
    changes.push(...found);
    // No command ended: that takes for ever.
    const a = first[metric.key] ?? Infinity;
    const b = last[metric.key] ?? Infinity;
    const ratio = a === b ? 1 : b / a;
    const { job, axes } = cell;
    const difference = { ratio, low: ratio, high: ratio, confidence: 1, p: ratio === 1 ? 1 : 0 };
    return [
      {
        ...{ job, axes, disturbed: false, ...difference, p_holm: difference.p, band: 0 },
        base: { n: before.length, median: a, low: a, high: a, confidence: 1 },
        head: { n: after.length, median: b, low: b, high: b, confidence: 1 },
        verdict:
          a === Infinity && b === Infinity
            ? "inconclusive"
            : verdictOf(ratio, found.length, metric),
      },
    ];
  });
  const verdicts = cells.map(({ verdict }) => verdict);
  const verdict = (["worse", "better", "inconclusive", "same"] as const).find((one) =>
    verdicts.includes(one),
  );
  return {
    ...{ cells, geomean: null, changes, verdict: verdict ?? "inconclusive" },
    summary: summarize(cells, changes, metric),
  };
}

function figuresOf(cell: CellResult): Figures[] {
  return cell.trials.flatMap(({ figures }) => (figures === null ? [] : [figures]));
}

/** Trial by trial, as many as both have; a figure that changed in several is named once. */
function changesOf(
  { job, axes }: CellResult,
  before: readonly Figures[],
  after: readonly Figures[],
): Change[] {
  const found = new Map<string, Change>();
  for (const [trial, figures] of before.entries()) {
    const other = after[trial];
    if (other === undefined) break;
    for (const figure of Object.keys(figures) as (keyof Figures)[]) {
      const [a, b] = [figures[figure], other[figure]];
      if (a === b || OF_THE_MACHINE.includes(figure) || found.has(figure)) continue;
      found.set(figure, { job, axes, figure, base: a, head: b });
    }
  }
  return [...found.values()];
}

function verdictOf(ratio: number, changes: number, { higherIsBetter }: Metric): Verdict {
  if (ratio !== 1) return ratio > 1 === higherIsBetter ? "better" : "worse";
  return changes === 0 ? "same" : "inconclusive";
}

function summarize(
  cells: readonly ComparedCell[],
  changes: readonly Change[],
  metric: Metric,
): string {
  if (cells.length === 0) return "Nothing to compare: no row has figures on both sides.";
  const rows = cells.length === 1 ? "the row" : `all ${cells.length} rows`;
  const idle = cells.filter(
    ({ base, head }) => base.median === Infinity && head.median === Infinity,
  );
  const none =
    idle.length === 0 ? "" : `, and ${idle.length} of them without a ${metric.name} to compare`;
  if (changes.length === 0) return `equal: every exact figure of ${rows} is the same${none}.`;
  const worse = cells.filter(({ verdict }) => verdict === "worse");
  const better = cells.filter(({ verdict }) => verdict === "better");
  const names = (which: readonly ComparedCell[]): string => which.map(nameOf).join(", ");
  const moved = [
    ...(worse.length === 0 ? [] : [`${metric.name} worse in ${names(worse)}`]),
    ...(better.length === 0 ? [] : [`${metric.name} better in ${names(better)}`]),
  ];
  const what = moved.length === 0 ? `${metric.name} is the same` : moved.join("; ");
  return `changed: ${changes.length} exact figures of ${cells.length} rows; ${what}.`;
}
