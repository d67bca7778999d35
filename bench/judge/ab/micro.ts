// What the pool alone costs in two revisions: the micro-benchmark of each (parts.ts) makes its calls, we time them
// all alike. An operation is nanoseconds of a command of microseconds, so no other judge sees it.
//
//   a trial   one process of one tree and one strategy, all situations in it: a compiler that saw another
//             strategy's code makes slower code
//   a round   all strategies, base, control and head beside each other, turned round from round to round
//
// The noise band is assumed: no A/A run is kept for it, the control arm stands in for one.

import { dirname } from "node:path";
import { STRATEGIES } from "../../../initiator/pool/buffer_pool.ts";
import { failed } from "../../../words/failure.ts";
import { runChild } from "../../machine/child.ts";
import { fewTrials, type Comparison } from "../comparison.ts";
import { ASSUMED } from "../noise.ts";
import { judgeRows, type Row } from "../rows.ts";
import { ENOUGH } from "../verdict.ts";
import { schedule } from "../../run/schedule.ts";
import { partOf } from "../../run/revision_part.ts";
import type { Tree } from "./worktree.ts";
import { COMPARE } from "../judged_file.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import { ownFile } from "../../../sys/root.ts";

export interface MicroOptions {
  readonly strategies: readonly string[];
  readonly trials: number;
  /** Of measuring, for each situation of a trial. */
  readonly seconds: number;
}

export const MICRO: MicroOptions = { strategies: STRATEGIES, trials: ENOUGH, seconds: 0.05 };
const MEASURE = { name: "pool", higherIsBetter: false };
const ARMS = ["base", "control", "head"] as const;

/** Ours, for all arms. */
const CLOCK = ownFile("bench/micro/micro_case.ts");

/** By strategy and situation: a figure of each trial, ns. */
type Samples = Map<string, number[]>;

export interface Micro {
  readonly comparison: Comparison;
  readonly control: Comparison;
}

/** null: one of them has no such benchmark. `at`: when it began, ISO 8601. */
export async function measureMicro(
  base: Tree,
  head: Tree,
  options: MicroOptions,
  at: string,
  signal?: AbortSignal,
): Promise<Micro | null> {
  const [old, fresh] = [partOf(base.program, "micro"), partOf(head.program, "micro")];
  if (old === null || fresh === null) return null;
  const modules = [old, old, fresh];
  const samples: Samples[] = ARMS.map(() => new Map());
  const turns = schedule(options.strategies, options.trials, ARMS.length, "abba", 1);
  for (const { cell: strategy, arm } of turns) {
    const figures = await trial(modules[arm] ?? "", strategy, options.seconds, signal);
    for (const [situation, ns] of Object.entries(figures)) {
      const key = `${strategy} ${situation}`;
      const into = samples[arm];
      into?.set(key, [...(into.get(key) ?? []), ns]);
    }
  }
  const [a = new Map(), control = new Map(), b = new Map()] = samples;
  const side = (arm: string, tree: Tree) => ({
    arm,
    git_revision: tree.revision,
    started_at: at,
    failed_trials: 0,
  });
  return {
    comparison: compareSamples(a, b, side("base", base), side("head", head)),
    control: compareSamples(a, control, side("base", base), side("control", base)),
  };
}

/** Median ns of each situation that `strategy` knows. */
async function trial(
  module: string,
  strategy: string,
  seconds: number,
  signal: AbortSignal | undefined,
): Promise<Record<string, number>> {
  const script = `import { cycle, SITUATIONS } from ${JSON.stringify(module)};
import { costOf } from ${JSON.stringify(CLOCK)};
const figures = {};
for (const situation of SITUATIONS) {
  const work = cycle(${JSON.stringify(strategy)}, situation);
  if (work !== null) figures[situation] = (await costOf(work, ${seconds})).median_ns;
}
process.stdout.write(JSON.stringify(figures));`;
  const run = await runChild([process.execPath, "-e", script], { cwd: dirname(module), signal });
  const { code, stdout: text, stderr: said } = run;
  if (code === 0) return JSON.parse(text) as Record<string, number>;
  const line = said.split("\n").find((one) => one.startsWith("error: ")) ?? said.trim();
  throw failed(`The pool's benchmark failed for ${strategy} in ${module}: ${line}`);
}

function compareSamples(
  base: Samples,
  head: Samples,
  from: Comparison["base"],
  to: Comparison["head"],
): Comparison {
  const rows = [...base].flatMap(([key, values]): Row[] => {
    const others = head.get(key);
    if (others === undefined) return [];
    const [pool = "", situation = ""] = key.split(" ");
    const sides = { base: values, head: others };
    return [{ job: situation, axes: { pool }, ...sides, band: ASSUMED, disturbed: false }];
  });
  const judged = judgeRows(rows, MEASURE);
  return {
    schema_version: SCHEMA_VERSION,
    kind: COMPARE,
    metric: MEASURE.name,
    higher_is_better: MEASURE.higherIsBetter,
    base: from,
    head: to,
    ...judged,
    changes: null,
    warnings: fewTrials(judged.cells),
    provenance: [],
  };
}
