// Two results judged, and the exit code for the verdict.

import type { RunResult } from "../result/result.ts";
import { type Comparison, compare } from "./comparison.ts";
import { obstacles } from "../result/comparable.ts";
import { environment, EXIT } from "../../words/failure.ts";
import { areExact } from "./exact_cells.ts";
import { metricFor, parseMetric } from "./metric.ts";
import { parseProbability } from "../../words/quantity.ts";
import { knownBands } from "./noise.ts";
import type { Verdict } from "./verdict.ts";

export interface JudgeOptions {
  readonly metric?: string | undefined;
  readonly band?: string | undefined;
  readonly anyway?: boolean | undefined;
}

/** Compares, or throws the environment Failure that says why not. */
export function judgeResults(base: RunResult, head: RunResult, options: JudgeOptions): Comparison {
  const metric = options.metric === undefined ? metricFor(base.cells) : parseMetric(options.metric);
  const exact = areExact(base, head, metric);
  const apart = obstacles(base, head, exact);
  if (apart.length > 0 && options.anyway !== true) {
    throw environment(
      `The results are not comparable: they differ in ${apart.join(", ")} (--anyway compares all the same)`,
    );
  }
  const given = options.band === undefined ? null : parseProbability(options.band, "--band");
  const { bandOf, warning } = knownBands(base, metric, given);
  const comparison = compare(base, head, metric, bandOf);
  const warnings = [
    ...(apart.length > 0 ? [`Compared although they differ in ${apart.join(", ")}.`] : []),
    ...[base, head].flatMap(({ arm, cut_short }, side) =>
      cut_short ? [`${side === 0 ? "BASE" : "HEAD"} (${arm}) was cut short by a signal.`] : [],
    ),
    ...(warning === null || exact ? [] : [warning]),
    ...comparison.warnings,
  ];
  return { ...comparison, warnings };
}

export const VERDICT_CODES: Readonly<Record<Verdict, number>> = {
  better: EXIT.done,
  same: EXIT.done,
  worse: EXIT.threshold,
  inconclusive: EXIT.inconclusive,
};

export function exitCodeOf(comparison: Comparison): number {
  if (comparison.head.failed_trials + comparison.base.failed_trials > 0) return EXIT.failed;
  return VERDICT_CODES[comparison.verdict];
}
