// `aoe bench run JOB.toml`: progress while it runs, then a table and a sentence for each finding.

import { catchInterrupt } from "../initiator/commands/interrupted.ts";
import { EXIT, usage } from "../words/failure.ts";
import { endedNothing } from "./result/cell_figures.ts";
import { loadJob, showJob } from "./job/job.ts";
import { codeOf } from "./machine/cut_short.ts";
import { describeComparison } from "./judge/describe.ts";
import { loadBaseline, saveBaseline } from "./result/baselines.ts";
import { checkOutput, writeOutput } from "./machine/output.ts";
import { showHostLines } from "./run/host_lines.ts";
import { createProgress } from "./run/progress.ts";
import { type RunEvents, runJob } from "./run/run.ts";
import { printableJson } from "../words/printable.ts";
import { say } from "../words/say.ts";
import { styleOf } from "../words/style.ts";
import { widthOf } from "../words/table.ts";
import { exitCodeOf, judgeResults } from "./judge/judge_results.ts";
import { describeRun } from "./result/describe.ts";

interface Flags {
  readonly set?: string[];
  readonly hosts?: string;
  readonly show?: boolean;
  readonly json?: boolean;
  readonly ndjson?: boolean;
  readonly output?: string;
  readonly saveBaseline?: string;
  readonly baseline?: string;
}

/** Returns the exit code. */
export async function runAction(
  path: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const machine = flags.json === true || flags.ndjson === true;
  if (flags.json === true && flags.ndjson === true) {
    throw usage("Expected one of `--json` and `--ndjson`, got both");
  }
  const job = await loadJob(path, flags.set ?? [], flags.hosts);
  if (flags.show === true) {
    process.stdout.write(`${showJob(job)}${showHostLines(job)}`);
    return EXIT.done;
  }
  checkOutput(flags.output);
  // Before anything runs: a minute of trials must not end in "no such baseline".
  const baseline = flags.baseline === undefined ? null : loadBaseline(flags.baseline);
  const emit = (event: Record<string, unknown>): void => {
    if (flags.ndjson === true) process.stdout.write(`${printableJson(event)}\n`);
  };
  const progress = createProgress();
  const interrupt = catchInterrupt();
  emit({ event: "start", at: new Date().toISOString(), file: job.file });
  const events: RunEvents = {
    begin: progress.events.begin,
    end(cell, trial, arm) {
      progress.events.end(cell, trial, arm);
      const { loads: _, ...short } = trial;
      emit({ event: "trial", job: cell.job, axes: cell.axes, trial: short });
    },
    warn(sentence) {
      progress.events.warn(sentence);
      emit({ event: "warning", sentence });
    },
  };
  const result = await runJob(job, events, interrupt.signal);
  progress.clear();
  const people = machine ? process.stderr : process.stdout;
  people.write(describeRun(result, widthOf(people), styleOf(people)));
  if (flags.json === true) process.stdout.write(`${printableJson(result)}\n`);
  emit({ event: "end", result });
  const trials = result.cells.flatMap((cell) => cell.trials);
  const kept = result.cells.every((cell) => cell.thresholds.every(({ held }) => held));
  let judged: number = EXIT.done;
  if (baseline !== null && !result.cut_short) {
    const comparison = judgeResults(baseline, result, {});
    for (const sentence of comparison.warnings) say(sentence);
    people.write(describeComparison(comparison, widthOf(people)));
    judged = exitCodeOf(comparison);
  }
  // Last: a disk that is full by now must not cost the figures.
  if (flags.output !== undefined) writeOutput(flags.output, `${printableJson(result)}\n`);
  // Neither a baseline nor what is judged beside one: its cells have fewer trials than the job says, or none.
  if (result.cut_short) return codeOf(interrupt.signal);
  if (flags.saveBaseline !== undefined) {
    process.stderr.write(`Saved as ${saveBaseline(flags.saveBaseline, result)}.\n`);
  }
  if (trials.some((trial) => trial.failure !== null || endedNothing(trial))) return EXIT.failed;
  return kept ? judged : EXIT.threshold;
}
