// What `aoe bench ab` and `aoe bench compare` came to: the verdict on top, then each judge's rows,
// base and head in one row, and what else tells the two apart.

import type { AbResult, JudgedPair } from "../../judge/judged_file.ts";
import { METRICS } from "../../judge/metric.ts";
import { nameOf } from "../../judge/rows.ts";
import { valuesOf } from "../../result/cell_figures.ts";
import type { NamedRun, Spread } from "../../result/arm_cells.ts";
import { runOf } from "../../result/result_file.ts";
import type { FactApart } from "../../result/run_facts.ts";
import type { RunResult } from "../../result/result.ts";
import { listed, plural } from "../../../words/shown.ts";
import { tableOf } from "../figure.ts";
import {
  type Axis,
  type Chart,
  type IntervalRow,
  type Section,
  sectionOf,
  TONES,
  type Verdict,
  type Word,
} from "../report.ts";

export interface Named<Result> {
  /** Of its file. */
  readonly name: string;
  readonly result: Result;
}

/** What each judge looks at. */
const LOOKS_AT: Readonly<Record<string, string>> = {
  exact: "Behaviour: the golden table of pools, and what a command costs, in exact counts",
  micro: "Price of the pool alone: time of its operations",
  cost: "Price of a command: CPU time under the virtual clock",
  sockets: "A job over raw sockets on this machine",
};

const MEASURED: Readonly<Record<string, string>> = {
  iops: "Throughput",
  "lat.mean": "Mean latency",
  "lat.p50": "Median latency",
  "lat.p99": "The 99th percentile of latency",
  cpu: "CPU time of a command",
  pool: "Time of a pool operation",
};

const WORST: readonly Word[] = ["broken", "worse", "changed", "better", "inconclusive", "same"];

/** `at`: which of the report's judged files. */
export function sectionsOfAb({ name, result }: Named<AbResult>, at: number): Section[] {
  const judges = judgesOf(result);
  const measured = (["cost", "sockets", "micro"] as const).flatMap((judge) => {
    const one = result[judge];
    if (one === null) return [];
    const [base, , head] = one.results;
    const runs =
      base === undefined || head === undefined ? null : ([runOf(base), runOf(head)] as const);
    const notes = [`The base against itself: ${one.control.summary}`, ...one.comparison.warnings];
    const section = rowsSection(
      idOf(judge, at),
      topicOf(`Judge ${judge}`, name, at),
      one.comparison,
      runs,
      notes,
    );
    return [{ ...section, verdict: null }];
  });
  const facts = [result.cost, result.sockets].find((one) => one !== null)?.comparison.provenance;
  return [
    {
      ...sectionOf(idOf("verdict", at), topicOf("Verdict", name, at))(decided(result, judges), {
        verdicts: judges,
        notes: missing(result),
      }),
      verdict: result.exact?.verdict === "broken" ? "broken" : result.verdict,
    },
    ...differing({ name, result }, at),
    ...measured,
    apart(name, at, facts?.length ? facts : revisions(result)),
  ];
}

export function sectionsOfComparison({ name, result }: Named<JudgedPair>, at: number): Section[] {
  const rows = rowsSection(
    idOf("verdict", at),
    topicOf("Verdict", name, at),
    result,
    null,
    result.warnings,
  );
  return [rows, apart(name, at, result.provenance)];
}

/** Base and head of each judge that ran a job, to be drawn over each other. */
export function runsOfAbs(abs: readonly Named<AbResult>[]): NamedRun[] {
  return abs.flatMap(({ name, result }) =>
    (["cost", "sockets"] as const).flatMap((one) => {
      const [base, , head] = result[one]?.results ?? [];
      if (base === undefined || head === undefined) return [];
      const judge = abs.length === 1 ? one : `${name}: ${one}`;
      return [base, head].map((run) => ({ name: judge, judge, run: runOf(run) }));
    }),
  );
}

/** Who judged whom, for the line below the title. */
export function sidesOf({ base, head }: Pick<AbResult, "base" | "head">): string {
  const short = (revision: string | null): string => revision?.slice(0, 12) ?? "the work tree";
  return `base ${short(base)}, head ${short(head)}`;
}

/** The first of a report needs no name. */
export function topicOf(topic: string, name: string, at: number): string {
  return at === 0 ? topic : `${topic} of ${name}`;
}

export function idOf(id: string, at: number): string {
  return at === 0 ? id : `${id}-${at + 1}`;
}

/** The worst first. */
function judgesOf(result: AbResult): Verdict[] {
  const { exact, said } = result;
  const words = new Map<string, Word>(Object.entries(said));
  if (exact !== null && (exact.verdict === "broken" || exact.verdict === "changed")) {
    words.set("exact", exact.verdict);
  }
  return [...words]
    .sort(([, a], [, b]) => WORST.indexOf(a) - WORST.indexOf(b))
    .map(([judge, verdict]) => ({
      ...{ id: judge, verdict, claim: LOOKS_AT[judge] ?? judge, sentence: found(result, judge) },
      ...{ how: howOf(result, judge), table: null },
    }));
}

function howOf({ base, head }: AbResult, judge: string): string {
  const revisions_ = [base, head].flatMap((revision) => revision?.slice(0, 12) ?? []);
  return `aoe bench ab ${revisions_.join(" ")} --only ${judge}`;
}

function found(result: AbResult, judge: string): string {
  if (judge === "exact") return capital(result.exact?.sentence ?? "");
  const measured =
    judge === "micro" || judge === "cost" || judge === "sockets" ? result[judge] : null;
  if (measured === null) return `It says ${result.said[judge]}.`;
  const { comparison, control } = measured;
  const sentence = plainly(comparison);
  const noise = control.verdict === "worse" || control.verdict === "better";
  return noise
    ? `${sentence} That decides nothing, since the base differs from itself: ${control.summary}`
    : sentence;
}

/** The heading: what the judges found that decided, or what keeps them from it. */
function decided(result: AbResult, judges: readonly Verdict[]): string {
  const { verdict } = result;
  if (result.exact?.verdict === "broken")
    return `The head is broken: ${rule(result.exact.sentence)}`;
  if (result.cut_short) return "A signal ended it before all judges had run.";
  const of = (...words: readonly Word[]): readonly Verdict[] =>
    judges.filter((judge) => words.includes(judge.verdict));
  if (verdict === "worse" || verdict === "better") {
    return `The head is ${verdict}. ${of(verdict)
      .map(({ sentence }) => `${sentence}`)
      .join(" ")}`;
  }
  const same = of("same").map(({ id }) => id);
  if (verdict === "same") return `The head is the same as the base, by ${listed(same)}.`;
  const open = of("inconclusive", "changed").map(({ id }) => id);
  const rest = same.length === 0 ? "" : ` The same by ${listed(same)}.`;
  return open.length === 0 ? "No judge ran." : `Not decided by ${listed(open)}.${rest}`;
}

/** What a broken head does not keep to, in a sentence. */
function rule(sentence: string): string {
  const invariant = /invariant: ([^:]+)$/.exec(sentence)?.[1];
  if (invariant === undefined) return sentence.replace(/^broken invariant in the head: /, "");
  const meaning = invariant.startsWith("created ") ? ", where created are the buffers it has" : "";
  return `its pool does not keep to ${invariant}${meaning}.`;
}

function missing({ exact, failed_trials: failed, said }: AbResult): string[] {
  const alone = exact?.verdict === "broken" && Object.keys(said).length === 1;
  return [
    ...(alone ? ["Of a broken head no other judge is asked: its price says nothing."] : []),
    ...(failed === 0 ? [] : [`${plural(failed, "trial")} failed: the figures are of the others.`]),
  ];
}

/** A measured comparison in a sentence of figures. */
function plainly(comparison: JudgedPair): string {
  const { geomean, metric, cells, verdict, changes, summary } = comparison;
  const one = geomean;
  if (one === null || changes !== null || !Number.isFinite(one.ratio)) return capital(summary);
  const range = `${percent(one.low)} to ${percent(one.high)}`;
  const rows = one.rows > 1 ? ` over ${one.rows} rows` : "";
  const what = MEASURED[metric] ?? metric;
  const far = `${percent(Math.abs(one.ratio - 1))} ${one.ratio < 1 ? "lower" : "higher"}`;
  const sure = `${range} of the base's; noise band ±${percent(one.band)}`;
  const whole = `${what} is ${far} in the head${rows} (${sure})`;
  const single = cells.filter((cell) => cell.verdict === verdict).map(nameOf);
  const decides = verdict === "worse" || verdict === "better";
  if (decides && single.length > 0 && single.length < cells.length) {
    return `${whole}; ${verdict} in ${listed(single)}.`;
  }
  return verdict === "inconclusive" ? `${whole}: that decides nothing.` : `${whole}.`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "∞";
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Rows of the golden table that differ. */
function differing({ name, result: { exact } }: Named<AbResult>, at: number): Section[] {
  if (exact === null || exact.differences.length === 0) return [];
  const rows = exact.differences.map((text) => {
    const [verdict = "", ...rest] = text.split(": ");
    // What a command costs is told by its sentence alone.
    const [row = "", ...figures] = rest.length > 1 ? rest : ["counts per command", ...rest];
    return { verdict, row, figures: figures.join(": ") };
  });
  return [
    sectionOf(idOf("exact", at), topicOf("Judge exact", name, at))(exact.sentence, {
      table: tableOf(rows, [
        ["row", ({ row }) => row],
        ["verdict", ({ verdict }) => verdict],
        ["figures, base → head", ({ figures }) => figures],
      ]),
    }),
  ];
}

/** Every row of a comparison: the ratio of both, and both. */
function rowsSection(
  id: string,
  topic: string,
  comparison: JudgedPair,
  runs: readonly [RunResult, RunResult] | null,
  notes: readonly string[],
): Section {
  const { cells, geomean, metric, verdict } = comparison;
  const jobs = new Set(cells.map(({ job }) => job)).size > 1;
  const label = (cell: (typeof cells)[number]): string => {
    const name = nameOf(cell);
    return jobs && name !== cell.job ? `${cell.job} ${name}` : name;
  };
  const unit: Axis["unit"] = metric === "iops" ? "count" : "time";
  const axis = { label: metric === "iops" ? "IOPS" : metric, unit, log: false, reach: [] } as const;
  const exact = comparison.changes !== null;
  const section = sectionOf(id, topic)(plainly(comparison), {
    notes: [
      ...(exact
        ? ["Exact figures, the same on every machine."]
        : [
            "Left: the head as a share of the base, with its interval; the grey band is noise.",
            "An interval that lies outside of the band as a whole shows a difference.",
            "Right: medians over the trials with their intervals.",
          ]),
      ...notes,
    ],
    charts: [ratios(comparison, label), overlaid(comparison, label, axis, runs)],
    table: tableOf(cells, [
      ["row", label],
      ["verdict", ({ disturbed, verdict: own }) => (disturbed ? "disturbed" : own)],
      ["base", unit, ({ base }) => base.median],
      ["head", unit, ({ head }) => head.median],
      ["head / base", ({ ratio }) => percent(ratio)],
      ["from", ({ low }) => percent(low)],
      ["to", ({ high }) => percent(high)],
      ["noise band", ({ band }) => `±${percent(band)}`],
      ["p, after Holm", ({ p_holm: p }) => (p < 0.001 ? "<0.001" : p.toFixed(3))],
      ["trials", ({ base, head }) => `${base.n}+${head.n}`],
    ]),
  });
  const whole =
    geomean === null || geomean.rows < 2
      ? ""
      : `Geometric mean of ${geomean.rows} rows: ${percent(geomean.ratio)}, ${geomean.verdict}.`;
  return { ...section, notes: [...section.notes, ...(whole === "" ? [] : [whole])], verdict };
}

type Labelled = (cell: JudgedPair["cells"][number]) => string;

function ratios({ cells, geomean }: JudgedPair, label: Labelled): Chart {
  const rowOf = (
    name: string,
    one: Omit<JudgedPair["cells"][number], "job" | "axes" | "disturbed">,
  ): IntervalRow => ({
    label: name,
    colour: TONES[one.verdict],
    spreads: drawn({ median: one.ratio, low: one.low, high: one.high, values: [] }),
    band: [1 / (1 + one.band), 1 + one.band],
  });
  return {
    kind: "intervals",
    caption: "head as a share of the base",
    axis: { label: "head / base", unit: "share", log: false, reach: [0.94, 1.06], tight: true },
    names: ["head / base"],
    rows: [
      ...cells.map((cell) => rowOf(label(cell), cell)),
      ...(geomean === null || geomean.rows < 2 ? [] : [rowOf("geometric mean", geomean)]),
    ],
    reference: { name: "equal", value: 1 },
  };
}

function overlaid(
  { cells, metric }: JudgedPair,
  label: Labelled,
  axis: Axis,
  runs: readonly [RunResult, RunResult] | null,
): Chart {
  const key = METRICS.find(({ name }) => name === metric)?.key;
  const spreadOf = (cell: (typeof cells)[number], side: "base" | "head"): Spread[] => {
    const own = runs?.[side === "base" ? 0 : 1].cells.find(
      (one) => nameOf(one) === nameOf(cell) && one.job === cell.job,
    );
    const values = own === undefined || key === undefined ? [] : valuesOf(own.trials, key);
    const { median, low, high } = cell[side];
    return drawn({ median, low, high, values: values.filter(Number.isFinite) });
  };
  return {
    kind: "intervals",
    caption: `${MEASURED[metric] ?? metric}, base and head`,
    axis,
    names: ["head", "base"],
    rows: cells.map((cell) => ({
      label: label(cell),
      colour: 1,
      spreads: [...spreadOf(cell, "head"), ...spreadOf(cell, "base")],
    })),
    reference: null,
  };
}

/** Nothing where it has no end. */
function drawn(spread: Spread): Spread[] {
  return [spread.median, spread.low, spread.high].every(Number.isFinite) ? [spread] : [];
}

function revisions({ base, head }: AbResult): FactApart[] {
  return [{ fact: "revision", base: base ?? "the work tree", head: head ?? "the work tree" }];
}

function apart(name: string, at: number, facts: readonly FactApart[]): Section {
  const section = sectionOf(idOf("apart", at), topicOf("Where base and head differ", name, at));
  if (facts.length === 0) return section("What tells base and head apart is not in the file.");
  return section(`Base and head differ in ${listed(facts.map(({ fact }) => fact))}.`, {
    table: tableOf(facts, [
      ["fact", ({ fact }) => fact],
      ["base", ({ base }) => base],
      ["head", ({ head }) => head],
    ]),
  });
}
