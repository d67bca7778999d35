// From results to a report: its title, and its sections in the order in which they are read.

import type { Material } from "./read_material.ts";
import { type Report, type Section, sectionOf } from "./report.ts";
import { caps } from "./sections/caps.ts";
import { claims } from "./sections/claims.ts";
import { runsOfAbs, sectionsOfAb, sectionsOfComparison, sidesOf } from "./sections/judged.ts";
import { latency } from "./sections/latency.ts";
import { levels } from "./sections/levels.ts";
import { growth } from "./sections/growth_axes.ts";
import { origin } from "./sections/origin.ts";
import { peers } from "./sections/peer_arms.ts";
import { releases } from "./sections/releases.ts";
import { percentiles } from "./sections/percentiles.ts";
import { searched } from "./sections/searched.ts";
import { split } from "./sections/split.ts";
import { stalls } from "./sections/stalls.ts";
import { throughput } from "./sections/throughput.ts";
import { whole } from "./sections/whole.ts";
import type { RunResult } from "../result/result.ts";
import { type NamedRun, type Subject, subjectOf } from "../result/arm_cells.ts";
import { firstScreen } from "../result/first_screen.ts";
import { rowKey } from "../result/row_key.ts";
import { judgeResults } from "../judge/judge_results.ts";
import { matrices } from "./matrix.ts";
import { Failure } from "../../words/failure.ts";
import { printableTexts } from "../../words/printable.ts";
import { listed, plural } from "../../words/shown.ts";

/** `material`: of at least one file. */
export function compose(material: Material): Report {
  const { runs, wholes, reproductions } = material;
  const drawn = [...runs, ...runsOfAbs(material.abs)];
  const subject = subjectOf(drawn);
  const judged = [
    ...material.abs.flatMap(sectionsOfAb),
    ...material.comparisons.flatMap((one, at) =>
      sectionsOfComparison(one, material.abs.length + at),
    ),
  ];
  const others = [
    ...material.searches.map(searched),
    ...material.peers.map(peers),
    ...material.growths.map(growth),
    ...material.pins.map(releases),
  ];
  // Such a file says all there is to say of it.
  const alone = judged.length + others.length > 0;
  const verdict = judged.find((section) => section.verdict !== null);
  const first = firstScreen(subject, verdict?.finding ?? changeOf(runs));
  // Those of two results may contradict each other: each says which it is of.
  const said = (of: (run: RunResult) => readonly string[]): string[] =>
    runs.flatMap(({ name, run }) =>
      of(run).map((sentence) => (runs.length === 1 ? sentence : `${name}: ${sentence}`)),
    );
  // File names and job names are in it, beside the texts of results.
  return printableTexts<Report>({
    title: `aoe bench: ${listed(material.names)}`,
    subtitle: subtitle(material, subject),
    matrices: matrices(first.entries),
    answers: drawn.length === 0 ? [] : first.answers,
    warnings: [
      ...subject.apart,
      ...said(({ fallback, warnings }) => [...(fallback === null ? [] : [fallback]), ...warnings]),
    ],
    findings: said(({ findings }) => findings),
    sections: [
      ...judged,
      ...others,
      ...(drawn.length > 0
        ? sectionsOfRuns(subject)
        : alone
          ? []
          : [noRuns(), ...capsOfClaims(material)]),
      ...(alone && reproductions.length === 0 ? [] : [claims(reproductions)]),
      ...(alone && wholes.length === 0 ? [] : [whole(wholes)]),
      // What tells two judged results apart stands with their verdict.
      ...(judged.length > 0 && others.length + runs.length === 0 ? [] : [origin(material)]),
    ],
  });
}

/** What the judge says of two results that have rows in common; null: there are none. */
function changeOf(runs: readonly NamedRun[]): string | null {
  const [base, head, ...more] = runs.toSorted((a, b) => sideOf(a) - sideOf(b));
  if (base === undefined || head === undefined || more.length > 0) return null;
  const rows = new Set(base.run.cells.map(rowKey));
  if (!head.run.cells.some((cell) => rows.has(rowKey(cell)))) return null;
  try {
    const { summary } = judgeResults(base.run, head.run, {});
    return `From ${base.name} to ${head.name}: ${summary}`;
  } catch (error) {
    if (error instanceof Failure) return `Not judged. ${error.message}.`;
    throw error;
  }
}

function sideOf({ run }: NamedRun): number {
  return run.arm === "head" ? 1 : 0;
}

function sectionsOfRuns(subject: Subject): Section[] {
  return [
    throughput(subject),
    latency(subject),
    percentiles(subject),
    split(subject),
    caps(subject),
    levels(subject),
    stalls(subject),
  ];
}

/** The caps that claim E2 was judged from: the one chart that a reproduction makes by itself. */
function capsOfClaims({ reproductions }: Material): Section[] {
  const runs = reproductions.flatMap(({ runs: own }) =>
    Object.entries(own).flatMap(([name, run]) =>
      name.startsWith("e2 ") ? [{ name, run: run as unknown as RunResult }] : [],
    ),
  );
  return runs.length === 0 ? [] : [caps(subjectOf(runs))];
}

function noRuns(): Section {
  return sectionOf(
    "throughput",
    "Throughput and latency",
  )("No result of `aoe bench run` is among the files, so there are no loads to draw.");
}

function subtitle(material: Material, subject: Subject): string {
  const { runs, wholes, reproductions, abs, comparisons } = material;
  const trials = subject.cells.reduce((sum, { cell }) => sum + cell.trials.length, 0);
  const started =
    runs[0]?.run.started_at ??
    wholes[0]?.started_at ??
    reproductions[0]?.started_at ??
    material.peers[0]?.result.started_at ??
    material.growths[0]?.result.started_at ??
    material.pins[0]?.result.started_at ??
    comparisons[0]?.result.head.started_at ??
    abs.flatMap(({ result: { cost, micro, sockets } }) => cost ?? micro ?? sockets ?? [])[0]
      ?.comparison.head.started_at;
  return [
    ...abs.map(({ result }) => sidesOf(result)),
    ...comparisons.map(({ result: { base, head } }) =>
      sidesOf({ base: base.git_revision, head: head.git_revision }),
    ),
    ...(runs.length === 0
      ? []
      : [`${plural(trials, "trial")} of ${plural(subject.cells.length, "cell")}`]),
    ...(started === undefined ? [] : [started.slice(0, 10)]),
  ].join(", ");
}
