// A cell of a result, with all that is made from its trials: once here, for runs, merged results and old files alike.

import { cellFigures } from "./cell_figures.ts";
import type { CellResult } from "./result.ts";
import { judgeThreshold } from "./threshold.ts";

/** What a cell is before anything is made from it. */
export type Measured = Omit<CellResult, "median" | "thresholds">;

/** `thresholds`: as in the job file. */
export function cellResult(measured: Measured, thresholds: readonly string[]): CellResult {
  const { job, axes, values, trials, discarded, floor } = measured;
  return {
    job,
    axes,
    values,
    trials,
    discarded,
    median: cellFigures(trials),
    floor,
    thresholds: thresholds.map((text) => judgeThreshold(text, trials)),
  };
}
