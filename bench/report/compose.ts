// From results to a report: its title, and its sections in the order in which they are read.

import type { Report } from "./report.ts";
import { caps } from "./sections/caps.ts";
import { latency } from "./sections/latency.ts";
import { levels } from "./sections/levels.ts";
import { origin } from "./sections/origin.ts";
import { percentiles } from "./sections/percentiles.ts";
import { split } from "./sections/split.ts";
import { stalls } from "./sections/stalls.ts";
import { throughput } from "./sections/throughput.ts";
import { plural } from "./shown.ts";
import { type NamedRun, subjectOf } from "./subject.ts";

/** `runs`: at least one. */
export function compose(runs: readonly NamedRun[]): Report {
  const subject = subjectOf(runs);
  const trials = subject.cells.reduce((sum, { cell }) => sum + cell.trials.length, 0);
  const [first] = runs;
  return {
    title: `aoe bench: ${runs.map(({ name }) => name).join(" and ")}`,
    subtitle: `${plural(trials, "trial")} of ${plural(subject.cells.length, "cell")}, ${first?.run.started_at.slice(0, 10) ?? ""}`,
    warnings: runs.flatMap(({ run }) => [
      ...(run.fallback === null ? [] : [run.fallback]),
      ...run.warnings,
    ]),
    findings: runs.flatMap(({ run }) => run.findings),
    sections: [
      throughput(subject),
      latency(subject),
      percentiles(subject),
      split(subject),
      caps(subject),
      levels(subject),
      stalls(subject),
      origin(runs),
    ],
  };
}
