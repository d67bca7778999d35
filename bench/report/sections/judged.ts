// What `aoe bench ab` and `aoe bench compare` came to: the verdict on top, then each judge's rows,
// base and head in one row, and what else tells the two apart.

import type { AbResult, JudgedPair } from "../../judge/judged_file.ts";
import type { NamedRun } from "../../result/arm_cells.ts";
import { runOf } from "../../result/result_file.ts";
import type { FactApart } from "../../result/run_facts.ts";
import { listed, plural } from "../../../words/shown.ts";
import { tableOf } from "../figure.ts";
import { type Section, sectionOf, type Verdict, type Word } from "../report.ts";
import { capital, percent, plainly, rowsSection } from "./judged_rows.ts";

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
  if (noise) {
    const differs = `the base differs from itself: ${control.summary}`;
    return `${sentence} That decides nothing, since ${differs}`;
  }
  return comparison.verdict === "inconclusive" ? `${sentence}${sensitivity(control)}` : sentence;
}

/** What a comparison on this machine can see at all. */
function sensitivity({ geomean }: JudgedPair): string {
  if (geomean === null || ![geomean.low, geomean.high].every(Number.isFinite)) return "";
  const range = `${percent(geomean.low)} to ${percent(geomean.high)}`;
  return `${BESIDE}${range}: a smaller difference takes an idle machine.`;
}

const BESIDE = " The base beside itself is at ";

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
      .map(({ sentence }) => sentence)
      .join(" ")}`;
  }
  const same = of("same").map(({ id }) => id);
  if (verdict === "same") return `The head is the same as the base, by ${listed(same)}.`;
  const open = of("inconclusive", "changed");
  if (open.length === 0) return "No judge ran.";
  const rest = same.length === 0 ? "" : ` The same by ${listed(same)}.`;
  // How small a difference can be seen stands with the judge.
  const only = open.length === 1 ? ` ${open[0]?.sentence.split(BESIDE)[0]}` : "";
  return `Not decided by ${listed(open.map(({ id }) => id))}.${rest}${only}`;
}

/** What a broken head does not keep to, in a sentence. */
function rule(sentence: string): string {
  const invariant = /invariant: ([^:]+)$/.exec(sentence)?.[1];
  if (invariant === undefined) return sentence.replace(/^broken invariant in the head: /, "");
  const pool = /strategy ([\w-]+)/.exec(sentence)?.[1] ?? "its pool";
  if (!invariant.startsWith("created ")) {
    return `${pool} does not keep to its invariant ${invariant}.`;
  }
  const cause = "as one does that loses buffers or ignores its cap";
  return `${pool} makes more buffers than it may, ${cause} (${invariant} does not hold).`;
}

function missing({ exact, failed_trials: failed, said }: AbResult): string[] {
  const alone = exact?.verdict === "broken" && Object.keys(said).length === 1;
  return [
    ...(alone ? ["Of a broken head no other judge is asked: its price says nothing."] : []),
    ...(failed === 0 ? [] : [`${plural(failed, "trial")} failed: the figures are of the others.`]),
  ];
}

/** Rows of the golden table that differ, and cells whose counts per command do. */
function differing({ name, result: { exact } }: Named<AbResult>, at: number): Section[] {
  if (exact === null || exact.differences.length === 0) return [];
  const rows = exact.differences.map((text) => {
    const [verdict = "", row = "", ...figures] = text.split(": ");
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

function revisions({ base, head }: AbResult): FactApart[] {
  return [{ fact: "revision", base: base ?? "the work tree", head: head ?? "the work tree" }];
}

function apart(name: string, at: number, facts: readonly FactApart[]): Section {
  const section = sectionOf(idOf("apart", at), topicOf("Where base and head differ", name, at));
  if (facts.length === 0) return section("Nothing that the file has tells base and head apart.");
  return section(`Base and head differ in ${listed(facts.map(({ fact }) => fact))}.`, {
    table: tableOf(facts, [
      ["fact", ({ fact }) => fact],
      ["base", ({ base }) => base],
      ["head", ({ head }) => head],
    ]),
  });
}
