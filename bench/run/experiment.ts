// A measurement whose points and arms take turns, each trial with fresh processes: what `aoe bench peers` and `aoe bench
// growth` have in common. An experiment says what a trial is and what trials say together; from here come the order
// of doing, what is repeated, progress, signals, the head of a result, and results of earlier runs shown as one.
//
//   options ─▶ measure: turns ─▶ trials ─▶ summary ─┐
//   files ─▶ read ─▶ merge ─▶ summary ──────────────┴─▶ result ─▶ tables, --json, -o

import type * as v from "valibot";
import { EXIT, usage } from "../../words/failure.ts";
import type { Head } from "../machine/head.ts";
import { beginMeasuring, type Measuring } from "../machine/measuring.ts";
import { checkOutput, type OutputFlags, publish } from "../machine/output.ts";
import { formatBlocks, markdownBlocks, type Shown } from "../result/blocks.ts";
import { mergeHeads } from "../result/merge.ts";
import { readAs } from "../result/result_file.ts";
import { makeTrialEnvironment, type OwnedEnvironment } from "./trial_environment.ts";
import { undisturbed, type Undisturbed } from "./undisturbed.ts";
import { createTrialLine, type TrialLine } from "./progress.ts";

export interface ExperimentResult extends Head<string> {
  readonly setting: unknown;
  readonly trials: readonly { readonly failure: string | null }[];
}

export interface Stage extends Pick<Measuring, "signal" | "untilCut"> {
  readonly trialEnv: OwnedEnvironment;
  readonly line: TrialLine;
}

export interface Experiment<
  Options extends { readonly seed: number },
  Result extends ExperimentResult,
> {
  readonly kind: Result["kind"];
  readonly schema: v.GenericSchema<unknown, Result>;
  /** From the texts of the command line; throws the usage Failure for what is wrong. */
  parse(flags: Flags): Options;
  /** Measures until the signal comes, and tells what was measured. */
  measure(options: Options, stage: Stage): Promise<(head: Head<Result["kind"]>) => Result>;
  /** What must be the same in results that are shown as one. */
  setting(result: Result): unknown;
  /** `first` with the trials of all. */
  merge(first: Result, all: readonly Result[]): Result;
  show(result: Result): Shown;
}

type Flags = Readonly<Record<string, unknown>>;

/** Options that do not change what is measured. */
const SHOWN = ["json", "markdown", "output"];

/** Measures, or shows the results in `files` as one. Returns the exit code. */
export async function experimentAction<
  Options extends { readonly seed: number },
  Result extends ExperimentResult,
>(
  experiment: Experiment<Options, Result>,
  files: readonly string[],
  flags: Flags & OutputFlags & { readonly markdown?: boolean },
): Promise<number> {
  const options = experiment.parse(flags);
  checkOutput(flags.output);
  const report = (result: Result): number => {
    const shown = experiment.show(result);
    const describe = (width: number): string =>
      flags.markdown === true ? markdownBlocks(shown) : formatBlocks(shown, width);
    publish(result, describe, flags);
    return result.trials.some(({ failure }) => failure !== null) ? EXIT.failed : EXIT.done;
  };
  if (files.length > 0) {
    const [other] = Object.keys(flags).filter((name) => !SHOWN.includes(name));
    if (other !== undefined) {
      throw usage(
        `Expected results alone, since they are not measured again, got \`--${other}\` too`,
      );
    }
    return report(mergeFiles(experiment, files));
  }
  const measuring = beginMeasuring();
  const trialEnv = makeTrialEnvironment("packet", options.seed);
  const line = createTrialLine();
  try {
    const result = await experiment.measure(options, { ...measuring, trialEnv, line });
    line.clear();
    return measuring.exitCode(report(result(measuring.head(experiment.kind))));
  } finally {
    trialEnv.remove();
    measuring.release();
  }
}

function mergeFiles<Options extends { readonly seed: number }, Result extends ExperimentResult>(
  experiment: Experiment<Options, Result>,
  files: readonly string[],
): Result {
  return mergeExperiments(
    experiment,
    files.map((file) => readAs(file, experiment.schema, experiment.kind)),
  );
}

/** Results of one machine and one revision with one setting as one. */
export function mergeExperiments<
  Options extends { readonly seed: number },
  Result extends ExperimentResult,
>(experiment: Experiment<Options, Result>, results: readonly Result[]): Result {
  const [first] = results;
  const looks: readonly [string, (result: Result) => unknown][] = [
    ["the machine", ({ provenance }) => provenance.machine],
    ["the revision", ({ provenance }) => provenance.git_revision],
    ["the setting", experiment.setting],
  ];
  const merged = mergeHeads(results, (other) =>
    looks.flatMap(([what, of]) => {
      const same = first !== undefined && JSON.stringify(of(first)) === JSON.stringify(of(other));
      return same ? [] : [what];
    }),
  );
  return experiment.merge(merged, results);
}

export type Attempt = Omit<Undisturbed<unknown>, "trial">;

export interface Turns<Turn, Trial> {
  readonly name: (turn: Turn) => string;
  readonly run: (turn: Turn) => Promise<Trial>;
  /** Others' share of the trial's CPUs; null: not known. */
  readonly others: (trial: Trial) => number | null;
  readonly iops: (trial: Trial) => number | null;
  readonly unit?: string;
}

/** Others' share above which a trial is repeated. */
const DISTURBED = 0.1;
const RETRIES = 2;

/** A trial for each turn into `trials`: the first attempt that others did not disturb, or the last. */
export async function inTurn<Turn, Trial extends { readonly failure: string | null }>(
  turns: readonly Turn[],
  { name, run, others, iops, unit }: Turns<Turn, Trial>,
  trials: (Trial & Attempt)[],
  line: TrialLine,
): Promise<void> {
  for (const [at, turn] of turns.entries()) {
    line.begin(at, turns.length, name(turn));
    const { trial, ...attempt } = await undisturbed(
      () => run(turn),
      (one) => (others(one) ?? 0) > DISTURBED,
      RETRIES,
    );
    trials.push({ ...trial, ...attempt });
    line.end(iops(trial), trial.failure, unit);
  }
}
