// What one commit's own code comes to: its golden table, and what a command costs under the virtual
// clock.

import { existsSync } from "node:fs";
import { loadJob } from "../../job/job.ts";
import { valuesOf } from "../../result/cell_figures.ts";
import { createProgress } from "../../run/progress.ts";
import { runArms } from "../../run/run.ts";
import { COST } from "../ab/measured.ts";
import { parseMetric } from "../metric.ts";
import { knownBands } from "../noise.ts";
import type { Cost } from "./commit_store.ts";

export const CPU = parseMetric("cpu");

/** Of the revision whose aoe.ts is `program`. */
export async function measureCost(
  program: string,
  sets: readonly string[],
  signal: AbortSignal,
): Promise<Cost> {
  const bun = Bun.version;
  if (!existsSync(program)) return { bun, failure: "It has no aoe.ts.", rows: [] };
  const job = await loadJob(COST, sets);
  const progress = createProgress();
  const [result] = await runArms(job, [{ name: "run", program }], progress.events, signal);
  progress.clear();
  signal.throwIfAborted();
  if (result === undefined) throw new Error("invariant: an arm has a result");
  const { bandOf } = knownBands(result, CPU, null);
  const failure = result.cells.flatMap(({ trials }) => trials).find((trial) => trial.failure);
  return {
    bun,
    failure: failure?.failure ?? null,
    rows: result.cells.map((cell) => ({
      job: cell.job,
      axes: cell.axes,
      band: bandOf(cell),
      values: valuesOf(cell.trials, CPU.key).filter(Number.isFinite),
    })),
  };
}
