// `aoe bench run JOB.toml`: progress while it runs, then a table and a sentence for each finding.

import { catchInterrupt } from "../initiator/commands/interrupted.ts";
import { EXIT, usage } from "../words/failure.ts";
import { endedNothing, OF_TRIALS } from "./cell_figures.ts";
import { rate } from "./findings.ts";
import { loadJob, showJob } from "./job/job.ts";
import { exitCodeOf, judgeResults } from "./compare/compare_action.ts";
import { codeOf } from "./cut_short.ts";
import { describeComparison } from "./compare/describe.ts";
import { loadBaseline, saveBaseline } from "./compare/state.ts";
import { plural, shownTime } from "./report/shown.ts";
import { checkOutput, writeOutput } from "./output.ts";
import { createProgress } from "./progress.ts";
import type { RunResult } from "./result.ts";
import { type RunEvents, runJob } from "./run.ts";
import { cellTable } from "./table.ts";
import { printableJson, printableLines } from "../words/printable.ts";
import { say } from "../words/say.ts";
import { widthOf } from "../words/table.ts";

interface Flags {
  readonly set?: string[];
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
  const job = await loadJob(path, flags.set ?? []);
  if (flags.show === true) {
    process.stdout.write(showJob(job));
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
  people.write(describeRun(result, widthOf(people)));
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

/** The table, the sentences, and what one must know about both. */
export function describeRun(result: RunResult, width?: number): string {
  const { provenance, pinning } = result;
  const cpus = `target on CPU ${pinning.target ?? "any"}, load on CPU ${pinning.load ?? "any"}`;
  const how = {
    packet: `raw sockets over veth, ${cpus}`,
    ring: `raw sockets over veth, transmitting from memory that the kernel holds, ${cpus}`,
    memory: "MEMORY LINK (no network: both cores in one process)",
    virtual: "the VIRTUAL CLOCK (exact, no network: only what the job names takes time)",
  }[result.link];
  const trials = result.cells.reduce((sum, cell) => sum + cell.trials.length, 0);
  const lines = [
    cellTable(result.cells, width),
    `IOPS, p50 and p99 of the latency, mean buffer wait and what the pool did while it was measured (${OF_TRIALS}):`,
    "extra buffers: the most beyond the preallocated; dry: no buffer to be had; kicks: the retry when dry with nothing outstanding",
    ...floorLine(result),
    ...thresholdLines(result),
    "",
    ...result.findings.map((sentence) => `* ${sentence}`),
    "",
    `${plural(trials, "trial")} in ${shownTime(result.elapsed_ns)} over ${how}; seed ${result.seed}, Bun ${provenance.bun}, Linux ${provenance.kernel}, ${provenance.cpu}`,
  ];
  return printableLines(`${lines.join("\n")}\n`);
}

/** The harness's floor, the least sure of them: what no target can beat here. */
function floorLine(result: RunResult): string[] {
  const floors = result.cells.flatMap(({ floor }) => {
    const p50 = floor?.lat_p50_ns ?? null;
    return floor === null || p50 === null ? [] : [{ p50, iops: floor.iops }];
  });
  const [slowest] = floors.toSorted((a, b) => b.p50 - a.p50);
  if (slowest === undefined) return [];
  return [
    `floor (a null target, the same link): p50 ${shownTime(slowest.p50)}, ${rate(slowest.iops)} IOPS`,
  ];
}

/** Each threshold with what was found, and its cell. */
function thresholdLines(result: RunResult): string[] {
  return result.cells.flatMap((cell) =>
    cell.thresholds.map(({ threshold, shown, held }) => {
      const where = Object.values(cell.axes).join("  ") || cell.job;
      return `threshold ${threshold}: ${held ? "kept" : "MISSED"}, ${shown} (${where})`;
    }),
  );
}
