// Two results, row by row and as a whole: which cells stand beside each other, what is left out.

import { areDisturbed, valuesOf } from "../result/cell_figures.ts";
import type { CellResult, RunResult } from "../result/result.ts";
import { areExact, type Change, judgeExactly } from "./exact_cells.ts";
import type { Metric } from "./metric.ts";
import { rowDifferences, rowKey, unmatchedCells } from "../result/row_key.ts";
import { type ComparedCell, type JudgedRows, judgeRows, type Row } from "./rows.ts";
import { ENOUGH, FEWEST, trialsFor } from "./verdict.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { plural } from "../../words/shown.ts";
import { type FactApart, factsApart } from "../result/run_facts.ts";
import { COMPARE } from "./judged_file.ts";

export interface Comparison extends JudgedRows {
  readonly schema_version: number;
  readonly kind: typeof COMPARE;
  readonly metric: string;
  readonly higher_is_better: boolean;
  readonly base: Side;
  readonly head: Side;
  /** Figures that differ where both results are exact; null: they are samples. */
  readonly changes: readonly Change[] | null;
  readonly warnings: readonly string[];
  /** What tells the two apart. */
  readonly provenance: readonly FactApart[];
}

interface Side {
  readonly arm: string;
  readonly git_revision: string | null;
  readonly started_at: string;
  readonly failed_trials: number;
}

/** The noise band of a cell, as a share. */
export type BandOf = (cell: CellResult) => number;

export function compare(
  base: RunResult,
  head: RunResult,
  metric: Metric,
  bandOf: BandOf,
): Comparison {
  const heads = new Map(head.cells.map((cell) => [rowKey(cell), cell]));
  const matched = base.cells.flatMap((cell): Row[] => {
    const other = heads.get(rowKey(cell));
    if (other === undefined) return [];
    const { job, axes } = cell;
    return [
      {
        job,
        axes,
        base: valuesOf(cell.trials, metric.key),
        head: valuesOf(other.trials, metric.key),
        band: bandOf(cell),
        disturbed: !metric.quiet && [cell, other].some(({ trials }) => areDisturbed(trials)),
      },
    ];
  });
  const rows = matched.filter((row) => row.base.length > 0 && row.head.length > 0);
  const exact = areExact(base, head, metric);
  const judged = exact
    ? judgeExactly(base, head, metric)
    : { ...judgeRows(rows, metric), changes: null };
  return {
    schema_version: SCHEMA_VERSION,
    kind: COMPARE,
    metric: metric.name,
    higher_is_better: metric.higherIsBetter,
    base: sideOf(base),
    head: sideOf(head),
    ...judged,
    warnings: [
      ...unmatched(base.cells, head.cells),
      ...empty(matched.length - rows.length),
      ...disturbedRows(judged.cells),
      ...(exact ? [] : fewTrials(judged.cells)),
    ],
    provenance: factsApart(base, head),
  };
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

function unmatched(base: readonly CellResult[], head: readonly CellResult[]): string[] {
  const count = unmatchedCells(base, head).length;
  if (count === 0) return [];
  return [
    `${plural(count, "row")} on one side only left out: the sides differ in ${rowDifferences(base, head).join(", ")}.`,
  ];
}

function empty(count: number): string[] {
  return count === 0 ? [] : [`${plural(count, "row")} without figures on one side left out.`];
}

function disturbedRows(cells: readonly ComparedCell[]): string[] {
  const count = cells.filter(({ disturbed }) => disturbed).length;
  if (count === 0) return [];
  const which = `${plural(count, "row")} of ${cells.length}`;
  return [
    `${which} had half of the trials of a side disturbed or more and decide nothing.`,
    "An idle machine can decide; so can --metric cpu, which is taken in quiet intervals.",
  ];
}

/** What a verdict on so few trials is worth. */
export function fewTrials(
  cells: readonly ComparedCell[],
  questions = cells.length === 1 ? 1 : cells.length + 1,
): string[] {
  if (cells.length === 0) return [];
  const fewest = Math.min(...cells.map((cell) => Math.min(cell.base.n, cell.head.n)));
  const trials = `A row has ${fewest} ${fewest === 1 ? "trial" : "trials"} on a side`;
  const needed = trialsFor(questions);
  if (fewest >= FEWEST && fewest < needed) {
    return [
      `${trials}: no row can have a verdict below ${needed}, since ${questions} questions are asked, ${cells.length} rows and the whole (--set trials=${Math.max(needed, ENOUGH)}).`,
    ];
  }
  if (fewest >= ENOUGH) return [];
  return [
    fewest < FEWEST
      ? `${trials}: below ${FEWEST} there is no verdict (--set trials=${ENOUGH}).`
      : `${trials}: below ${ENOUGH} a verdict is less sure (--set trials=${ENOUGH}).`,
  ];
}
