// Two revisions run interleaved, with a third arm that is the base again: what is found between
// equal things would be noise, and then nothing counts as found.

import { existsSync } from "node:fs";
import { environment } from "../../../words/failure.ts";
import { ownFile } from "../../../sys/root.ts";
import { loadJob } from "../../job/job.ts";
import type { RunResult } from "../../result/result.ts";
import { createProgress } from "../../run/progress.ts";
import { runArms } from "../../run/run.ts";
import type { Comparison } from "../comparison.ts";
import { judgeResults } from "../judge_results.ts";
import type { Verdict } from "../verdict.ts";
import type { Tree } from "./worktree.ts";

export const COST = ownFile("fixtures/jobs/cost.toml");
export const SOCKETS = ownFile("fixtures/jobs/smoke.toml");
/** Enough for a verdict without a warning. */
export const TRIALS = "trials=9";

/** What both revisions ran. */
export interface Measured {
  readonly comparison: Comparison;
  /** The base beside itself: anything but "same" or "inconclusive" is noise. */
  readonly control: Comparison;
  /** Of a job; none of the micro-benchmark. */
  readonly results?: readonly RunResult[];
}

export async function measure(
  path: string,
  sets: readonly string[],
  metric: string | undefined,
  base: Tree,
  head: Tree,
  signal: AbortSignal,
): Promise<Measured | null> {
  const job = await loadJob(path, sets);
  const progress = createProgress();
  const arms = [
    { name: "base", program: base.program },
    { name: "control", program: base.program },
    { name: "head", program: head.program },
  ];
  for (const { program } of arms) {
    if (!existsSync(program)) throw environment(`${program} is not there: too old a revision`);
  }
  const results = await runArms(job, arms, progress.events, signal);
  progress.clear();
  const [a, control, b] = results;
  if (a === undefined || control === undefined || b === undefined) {
    throw new Error("invariant: a result for each arm");
  }
  const options = { metric, anyway: true };
  return {
    comparison: judgeResults(a, b, options),
    control: judgeResults(a, control, options),
    results,
  };
}

/** What a measured difference is worth: nothing where equal things differed too. */
export function trusted(measured: Measured): Verdict {
  const { verdict } = measured.control;
  if (verdict === "better" || verdict === "worse") return "inconclusive";
  return measured.comparison.verdict;
}
