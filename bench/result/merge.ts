// Several results of one program on one machine as one. Of runs of one job: the trials of a cell stand behind each
// other, as if they had run in one go, and what is made from trials (median, thresholds, findings) is made again.

import { environment, usage } from "../../words/failure.ts";
import { parseThreshold } from "../job/threshold.ts";
import { cellResult } from "./cell_result.ts";
import { obstacles } from "./comparable.ts";
import { rowKey } from "./row_key.ts";
import { findings } from "./findings.ts";
import type { CellResult, RunResult, Trial } from "./result.ts";

/** Throws the Failure that says why they can't be one. */
export function mergeResults(results: readonly RunResult[]): RunResult {
  const [first] = results;
  if (first === undefined || results.length === 1) {
    throw usage(`Expected at least two results to merge, got ${results.length}`);
  }
  const begun = new Set(results.map(({ started_at: at, arm }) => `${at} ${arm}`));
  if (begun.size < results.length) {
    throw usage("Expected results of different runs to merge, got one of them twice");
  }
  const merged = mergeHeads(results, (other) => [
    ...obstacles(first, other),
    ...ownObstacles(first, other),
  ]);
  const cells = first.cells.map((cell) => mergeCells(cell, results));
  return {
    ...merged,
    warnings: [...new Set(results.flatMap(({ warnings }) => warnings))],
    cells,
    findings: findings(cells),
  };
}

interface Timed {
  readonly elapsed_ns: number;
  readonly cut_short: boolean;
}

/**
 * The first of the results, with the time of all and cut short where any was. Throws the environment Failure with what
 * keeps another one apart from it.
 */
export function mergeHeads<Result extends Timed>(
  [first, ...others]: readonly Result[],
  apart: (other: Result) => readonly string[],
): Result {
  if (first === undefined) throw new Error("invariant: there is a result");
  for (const other of others) {
    const found = apart(other);
    if (found.length > 0) {
      throw environment(`The results can't be merged: they differ in ${found.join(", ")}`);
    }
  }
  return {
    ...first,
    cut_short: first.cut_short || others.some(({ cut_short }) => cut_short),
    elapsed_ns: others.reduce((sum, { elapsed_ns }) => sum + elapsed_ns, first.elapsed_ns),
  };
}

/** What may differ between two sides of a comparison, but not within one. */
function ownObstacles(first: RunResult, other: RunResult): string[] {
  const found: string[] = [];
  for (const key of ["git_revision", "git_dirty", "user"] as const) {
    const [a, b] = [first.provenance[key], other.provenance[key]];
    if (a !== b) found.push(`${key} ${a} and ${b}`);
  }
  return found;
}

function mergeCells(cell: CellResult, results: readonly RunResult[]): CellResult {
  const key = rowKey(cell);
  const parts = results.flatMap((result, index) => {
    const before = results.slice(0, index).reduce((sum, one) => sum + turnsOf(one), 0);
    const later = (trial: Trial): Trial => ({ ...trial, order: trial.order + before });
    return result.cells
      .filter((one) => rowKey(one) === key)
      .map((one) => ({
        trials: one.trials.map(later),
        discarded: one.discarded.map(later),
        floor: one.floor,
      }));
  });
  const trials = parts.flatMap((part) => part.trials);
  return cellResult(
    {
      ...cell,
      trials,
      discarded: parts.flatMap((part) => part.discarded),
      floor: parts.find(({ floor }) => floor !== null)?.floor ?? null,
    },
    cell.thresholds.map(({ threshold }) => parseThreshold(threshold)),
  );
}

/** Places in the order of its trials. */
function turnsOf(result: RunResult): number {
  return result.cells.reduce((sum, cell) => sum + cell.trials.length, 0);
}
