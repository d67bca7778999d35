// `aoe bench compare`: two results judged, or this machine's noise learned.

import { EXIT, failed, usage } from "../../words/failure.ts";
import { loadJob } from "../job/job.ts";
import type { RunResult } from "../result/result.ts";
import { createProgress } from "../run/progress.ts";
import { runArms } from "../run/run.ts";
import { AOE } from "../../lab/programs.ts";
import { describeComparison } from "./describe.ts";
import { metricFor, parseMetric } from "./metric.ts";
import { learnNoise } from "./noise.ts";
import { readResult } from "../result/result_file.ts";
import { loadBaseline } from "../result/baselines.ts";
import { ENOUGH } from "./verdict.ts";
import { publish } from "../machine/output.ts";
import { sayAs } from "../../words/say.ts";
import { judgeResults, exitCodeOf, VERDICT_CODES } from "./judge_results.ts";
import { describeWithin, judgeWithin, parseKeys } from "./within.ts";

const say = sayAs("aoe bench compare");

interface Flags {
  readonly baseline?: string;
  readonly noise?: string;
  readonly set?: string[];
  readonly metric?: string;
  readonly band?: string;
  readonly anyway?: boolean;
  readonly json?: boolean;
  readonly by?: string;
  readonly columns?: string;
  readonly rows?: string;
}

/** Returns the exit code. */
export async function compareAction(
  files: readonly string[],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  if (flags.noise !== undefined) return learn(flags.noise, files, flags);
  const keys = flags.by ?? flags.columns;
  if (keys !== undefined) return compareWithin(files, keys, flags);
  if (flags.rows !== undefined)
    throw usage("Expected `--rows` with `--by` or `--columns`, got it alone");
  const [base, head] = sides(files, flags);
  const comparison = judgeResults(base, head, flags);
  for (const sentence of comparison.warnings) say(sentence);
  const { json = false } = flags;
  publish(comparison, (width) => describeComparison(comparison, width), { json });
  return exitCodeOf(comparison);
}

function compareWithin(files: readonly string[], keys: string, flags: Flags): number {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0 || flags.baseline !== undefined) {
    throw usage("Expected one result whose arms `--by` compares, got a base beside it or none");
  }
  const rows = flags.rows === undefined ? null : parseKeys(flags.rows, "--rows");
  const what = flags.by === undefined ? "--columns" : "--by";
  const found = judgeWithin(readResult(file), parseKeys(keys, what), rows, flags);
  for (const sentence of found.warnings) say(sentence);
  publish(found, (width) => describeWithin(found, width), { json: flags.json === true });
  return found.failed_trials > 0 ? EXIT.failed : VERDICT_CODES[found.verdict];
}

function sides(files: readonly string[], flags: Flags): [RunResult, RunResult] {
  const wanted = flags.baseline === undefined ? 2 : 1;
  if (files.length !== wanted) {
    throw usage(
      flags.baseline === undefined
        ? `Expected two results, BASE and HEAD (or --baseline NAME and HEAD), got ${files.length}`
        : `Expected one result with \`--baseline\`, got ${files.length}`,
    );
  }
  const [first = "", second = ""] = files;
  return flags.baseline === undefined
    ? [readResult(first), readResult(second)]
    : [loadBaseline(flags.baseline), readResult(first)];
}

async function learn(path: string, files: readonly string[], flags: Flags): Promise<number> {
  if (files.length > 0) throw usage("Expected only a job with `--noise`, got results as well");
  const job = await loadJob(path, [`trials=${ENOUGH}`, ...(flags.set ?? [])]);
  const progress = createProgress();
  const arms = ["base", "head"].map((name) => ({ name, program: AOE }));
  const [a, b] = await runArms(job, arms, progress.events);
  progress.clear();
  if (a === undefined || b === undefined) throw new Error("invariant: two arms, two results");
  const metric = flags.metric === undefined ? metricFor(a.cells) : parseMetric(flags.metric);
  const bands = learnNoise(a, b, metric);
  if (bands.size === 0) throw failed("No row of the A/A run has figures to learn from.");
  const widest = Math.max(...bands.values());
  process.stdout.write(
    `Noise of ${metric.name} on this machine over the ${a.link} link: ±${(100 * Math.min(...bands.values())).toFixed(1)} % to ±${(100 * widest).toFixed(1)} % over ${bands.size} ${bands.size === 1 ? "row" : "rows"}; kept for comparisons.\n`,
  );
  return EXIT.done;
}
