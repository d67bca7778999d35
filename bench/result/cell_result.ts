// A cell of a result, with all that is made from its trials: once here, for runs, merged results and old files alike.

import { cellFigures } from "./cell_figures.ts";
import type { Threshold } from "../job/threshold.ts";
import type { CellResult } from "./result.ts";
import { judgeThreshold } from "./threshold.ts";

/** What a cell is before anything is made from it. */
export type Measured = Omit<CellResult, "median" | "thresholds">;

export function cellResult(measured: Measured, thresholds: readonly Threshold[]): CellResult {
  const { job, axes, values, trials, discarded, floor } = measured;
  return {
    job,
    axes,
    values,
    trials,
    discarded,
    median: cellFigures(trials),
    floor,
    thresholds: thresholds.map((threshold) => judgeThreshold(threshold, trials)),
  };
}
