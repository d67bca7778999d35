// `aoe bench bisect GOOD BAD`: the first commit that is worse than GOOD by one metric. Which commit
// is judged next, git says; one that decides nothing is left out, as git's 125 does, and others are
// judged in its place.

import { catchInterrupt } from "../../../initiator/commands/interrupted.ts";
import { EXIT, Failure, usage } from "../../../words/failure.ts";
import { oneOfNames } from "../../../words/nearest.ts";
import { sayAs } from "../../../words/say.ts";
import { plural } from "../../../words/shown.ts";
import { formatRecords } from "../../../words/table.ts";
import { ROOT } from "../../../sys/root.ts";
import { checkOutput, type OutputFlags, publish } from "../../machine/output.ts";
import { codeOf, untilCut } from "../../machine/cut_short.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import { judgeExact, type Table, tableOf } from "../ab/exact.ts";
import { COST, measure, SOCKETS, TRIALS, trusted } from "../ab/measured.ts";
import { verdictOfExact } from "../ab/overall.ts";
import { checkOut, requireRepository, type Tree } from "../ab/worktree.ts";
import { BISECT_METRICS, METRIC_NAMES } from "../metric.ts";
import type { Verdict } from "../verdict.ts";
import { candidates, type Commit, commitAt, isAncestor } from "./revision_range.ts";
import { type Move, movesBetween } from "./moves.ts";
import { knownTables, storeAt } from "./commit_store.ts";

const say = sayAs("aoe bench bisect");

interface Flags extends OutputFlags {
  readonly metric?: string;
  readonly job?: string;
  readonly set?: string[];
  readonly store?: string;
}

interface Found {
  readonly verdict: Verdict;
  readonly sentence: string;
}

/** A commit beside GOOD. */
type Judge = (commit: Commit) => Promise<Found>;

interface Step extends Found {
  readonly revision: string;
  readonly subject: string;
}

/** Returns the exit code. */
export async function bisectAction(
  older: string,
  newer: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  const { metric = "exact" } = flags;
  if (!BISECT_METRICS.includes(metric)) {
    throw usage(oneOfNames("Expected `--metric` to be one of", BISECT_METRICS, metric));
  }
  checkOutput(flags.output);
  requireRepository(ROOT, "aoe bench bisect");
  const [good, bad] = [commitAt(ROOT, older, "<good>"), commitAt(ROOT, newer, "<bad>")];
  if (good.revision === bad.revision || !isAncestor(ROOT, good.revision, bad.revision)) {
    throw usage(
      `Expected \`<good>\` to be an ancestor of \`<bad>\`, got \`${older}\` and \`${newer}\``,
    );
  }
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  const steps: Step[] = [];
  let left: readonly string[] = [];
  const trees: Tree[] = [];
  const cut = await untilCut(signal, async () => {
    if (METRIC_NAMES.includes(metric)) trees.push(await checkOut(ROOT, good.revision, signal));
    const [base] = trees;
    const judge =
      base === undefined
        ? byTable(good, metric, storeAt(flags.store), signal)
        : bySamples(base, metric, flags, signal);
    left = await bisect(good, bad, async (commit) => {
      const found = await judgeOrSkip(judge, commit, signal);
      const { revision, subject } = commit;
      steps.push({ revision, subject, ...found });
      say(`${revision.slice(0, 12)}: ${found.verdict}: ${found.sentence}`);
      return found.verdict;
    });
  }).finally(() => {
    for (const tree of trees) tree.close();
    interrupt.release();
  });
  const first = left.length === 1 ? (left[0] ?? null) : null;
  const result = {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench bisect",
    ...{ good: good.revision, bad: bad.revision, metric, cut_short: cut, steps },
    /** The first that is worse; null: not decided between those of `left`. */
    first,
    left,
  };
  publish(result, (width) => describe(steps, left, good, metric, width), flags);
  if (cut) return codeOf(signal);
  return first === null ? EXIT.inconclusive : EXIT.done;
}

/** The commits of which the first bad one is one; a single one is it. Throws where BAD is none. */
async function bisect(
  good: Commit,
  last: Commit,
  judge: (commit: Commit) => Promise<Verdict>,
): Promise<readonly string[]> {
  const verdict = await judge(last);
  if (verdict === "same" || verdict === "better") {
    throw usage(`Nothing to bisect: \`<bad>\` is ${verdict} beside \`<good>\``);
  }
  if (verdict === "inconclusive") return candidates(ROOT, [good.revision], last.revision);
  const goods = [good.revision];
  let bad = last.revision;
  const skipped = new Set<string>();
  for (;;) {
    const all = candidates(ROOT, goods, bad);
    const next = all.find((one) => one !== bad && !skipped.has(one));
    if (next === undefined) return all;
    const found = await judge(commitAt(ROOT, next, "<good>"));
    if (found === "worse") bad = next;
    else if (found === "inconclusive") skipped.add(next);
    else goods.push(next);
  }
}

/** What can't be judged here decides nothing. */
async function judgeOrSkip(judge: Judge, commit: Commit, signal: AbortSignal): Promise<Found> {
  try {
    return await judge(commit);
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure) || error.exitCode === EXIT.usage) throw error;
    return { verdict: "inconclusive", sentence: error.message };
  }
}

function byTable(good: Commit, metric: string, store: string, signal: AbortSignal): Judge {
  const known = knownTables(store);
  const tableAt = async (commit: Commit): Promise<Table | null> => {
    const before = known.get(commit.revision);
    if (before !== undefined) return before;
    const tree = await checkOut(ROOT, commit.revision, signal);
    try {
      const table = await tableOf(tree.program, signal);
      known.add(commit, new Date().toISOString(), table);
      return table;
    } finally {
      tree.close();
    }
  };
  return async (commit) => {
    const [before, after] = [await tableAt(good), await tableAt(commit)];
    const exact = judgeExact(before, after);
    const { sentence } = exact;
    if (metric === "exact" || exact.verdict === "broken" || exact.verdict === "absent") {
      return { verdict: verdictOfExact(exact.verdict) ?? "inconclusive", sentence };
    }
    return byFigure(movesBetween(before, after), metric);
  };
}

/** Worse where it is so in any row: what is gained elsewhere does not make up for it. */
function byFigure(moves: readonly Move[], metric: string): Found {
  const own = moves.filter(({ figure }) => figure === metric);
  const sum = (side: "worse" | "better"): number => own.reduce((all, move) => all + move[side], 0);
  const [worse, better] = [sum("worse"), sum("better")];
  const sentence = `${metric} is worse in ${worse} rows and better in ${better}.`;
  return { verdict: worse > 0 ? "worse" : better > 0 ? "better" : "same", sentence };
}

function bySamples(base: Tree, metric: string, flags: Flags, signal: AbortSignal): Judge {
  const cpu = metric === "cpu" && flags.job === undefined;
  const path = flags.job ?? (cpu ? COST : SOCKETS);
  const sets = [...(cpu ? [] : [TRIALS]), ...(flags.set ?? [])];
  return async (commit) => {
    const head = await checkOut(ROOT, commit.revision, signal);
    try {
      const measured = await measure(path, sets, metric, base, head, signal);
      signal.throwIfAborted();
      if (measured === null) return { verdict: "inconclusive", sentence: "It was not measured." };
      return { verdict: trusted(measured), sentence: withoutVerdict(measured.comparison.summary) };
    } finally {
      head.close();
    }
  };
}

/** Of a summary that begins with its own. */
function withoutVerdict(summary: string): string {
  return summary.replace(/^(?:better|worse|same|inconclusive): /, "");
}

function describe(
  steps: readonly Step[],
  left: readonly string[],
  good: Commit,
  metric: string,
  width: number,
): string {
  const rows = steps.map(({ revision, verdict, subject }, at) => ({
    step: `${at + 1}`,
    commit: revision.slice(0, 12),
    verdict,
    subject,
  }));
  const [first = ""] = left;
  const subject = steps.find(({ revision }) => revision === first)?.subject ?? "";
  const short = (revision: string): string => revision.slice(0, 12);
  const [count, from] = [plural(steps.length, "step"), short(good.revision)];
  const answer =
    left.length === 1
      ? `The first commit worse than ${from} by ${metric} is ${short(first)} (${subject}), after ${count}.`
      : `Not decided: the first commit that is worse is one of ${left.map(short).join(", ")}.`;
  return `${formatRecords(rows, width)}${left.length === 0 ? "Cut short." : answer}\n`;
}
