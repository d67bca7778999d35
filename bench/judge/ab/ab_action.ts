// `aoe bench ab REV [REV]`: two revisions of this program, or one and the work tree, judged by four
// judges:
//
//   exact     both golden tables of pools (exact.ts): behaviour
//   micro     the pool's micro-benchmark (micro.ts): price of the pool alone
//   cost      fixtures/jobs/cost.toml, CPU time of a command under the virtual clock: price
//   sockets   a job over raw sockets: what comes of both on this machine
//
// The last three run interleaved, with a third arm that is the base again: what is found between
// equal things would be noise, and then nothing counts as found.

import { catchInterrupt } from "../../../initiator/commands/interrupted.ts";
import { describeFault, EXIT, expected, Failure } from "../../../words/failure.ts";
import { codeOf, untilCut } from "../../machine/cut_short.ts";
import { describeComparison } from "../describe.ts";
import { checkOutput, type OutputFlags, publish } from "../../machine/output.ts";
import { compareExactly, type Exact } from "./exact.ts";
import { MICRO, measureMicro } from "./micro.ts";
import { COST, type Measured, measure, SOCKETS, TRIALS, trusted } from "./measured.ts";
import { headline, overall, type Said, verdictOfExact } from "./overall.ts";
import { checkOut, requireRepository, type Tree, workTree } from "./worktree.ts";
import { sayAs } from "../../../words/say.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import { VERDICT_CODES } from "../judge_results.ts";
import { AB } from "../judged_file.ts";
import { plural } from "../../../words/shown.ts";
import { ROOT } from "../../../sys/root.ts";

const say = sayAs("aoe bench ab");

interface Flags extends OutputFlags {
  readonly only?: string;
  readonly job?: string;
  readonly set?: string[];
  readonly gitBisect?: boolean;
}

const JUDGES = ["exact", "micro", "cost", "sockets"] as const;
type Judge = (typeof JUDGES)[number];

/**
 * What `git bisect run` reads: any other code below 128 means worse, any above ends the bisection.
 */
const GIT_BISECT = { good: 0, bad: 1, skip: 125, end: 128 } as const;

/** Returns the exit code. */
export async function abAction(
  revisions: readonly [string, string?],
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  if (flags.gitBisect !== true) return judge(revisions, flags);
  try {
    return codeForGit(await judge(revisions, flags));
  } catch (error) {
    say(error instanceof Failure ? error.message : describeFault(error));
    const skip = error instanceof Failure && error.exitCode === EXIT.environment;
    return skip ? GIT_BISECT.skip : GIT_BISECT.end;
  }
}

/** A trial that failed decides nothing; a signal's code is above 128 already. */
function codeForGit(code: number): number {
  if (code === EXIT.done) return GIT_BISECT.good;
  if (code === EXIT.threshold) return GIT_BISECT.bad;
  return code === EXIT.inconclusive || code === EXIT.failed ? GIT_BISECT.skip : code;
}

async function judge(revisions: readonly [string, string?], flags: Flags): Promise<number> {
  const judges = parseOnly(flags.only);
  checkOutput(flags.output);
  const [first, second] = revisions;
  const trees: Tree[] = [];
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  try {
    requireRepository(ROOT, "aoe bench ab");
    trees.push(await checkOut(ROOT, first, signal));
    trees.push(second === undefined ? workTree(ROOT) : await checkOut(ROOT, second, signal));
    const [base, head] = trees as [Tree, Tree];
    say(`base ${name(base)}, head ${name(head)}`);
    let exact: Exact | null = null;
    const measured: Record<Exclude<Judge, "exact">, Measured | null> = {
      micro: null,
      cost: null,
      sockets: null,
    };
    const cut = await untilCut(signal, async () => {
      if (judges.includes("exact")) {
        exact = await compareExactly(base.program, head.program, signal);
        say(exact.sentence);
        if (endsThere(exact, judges)) return;
      }
      if (judges.includes("micro")) {
        measured.micro = await measureMicro(base, head, MICRO, new Date().toISOString(), signal);
      }
      if (judges.includes("cost"))
        measured.cost = await measure(COST, [], "cpu", base, head, signal);
      signal.throwIfAborted();
      if (judges.includes("sockets")) {
        const sets = [TRIALS, ...(flags.set ?? [])];
        const path = flags.job ?? SOCKETS;
        measured.sockets = await measure(path, sets, undefined, base, head, signal);
      }
      signal.throwIfAborted();
    });
    const said = saidBy(exact, measured);
    // Not all that was asked has been judged.
    const verdict = cut ? "inconclusive" : overall(said);
    const failures = failedTrials(measured);
    const result = {
      schema_version: SCHEMA_VERSION,
      kind: AB,
      base: base.revision,
      head: head.revision,
      cut_short: cut,
      verdict,
      said,
      failed_trials: failures,
      exact,
      ...measured,
    };
    const shown = (width: number): string =>
      describe(cut ? null : said, exact, measured, failures, width);
    publish(result, shown, flags);
    if (cut) {
      say("A signal ended it: these figures are of the complete trials.");
      return codeOf(signal);
    }
    // As of any run: what is left of the trials has a verdict, and they are not whole.
    if (failures > 0) return EXIT.failed;
    return VERDICT_CODES[verdict];
  } finally {
    for (const tree of trees) tree.close();
    interrupt.release();
  }
}

/** What a broken head costs says nothing, and its benchmarks may break too. */
function endsThere({ verdict }: Exact, judges: readonly Judge[]): boolean {
  const ends = verdict === "broken" && judges.length > 1;
  if (ends) say("The head is broken, so no other judge runs.");
  return ends;
}

function parseOnly(only: string | undefined): readonly Judge[] {
  if (only === undefined) return JUDGES;
  return only.split(",").map((text) => {
    const judge = JUDGES.find((one) => one === text);
    if (judge === undefined) throw expected("--only", `some of ${JUDGES.join(",")}`, text);
    return judge;
  });
}

function name({ revision }: Tree): string {
  return revision === null ? "the work tree" : revision.slice(0, 12);
}

/** What each judge that ran says. */
function saidBy(exact: Exact | null, measured: Readonly<Record<string, Measured | null>>): Said {
  const found = exact === null ? null : verdictOfExact(exact.verdict);
  const others = Object.entries(measured).flatMap(([judge, one]) =>
    one === null ? [] : [[judge, trusted(one)] as const],
  );
  return { ...(found === null ? {} : { exact: found }), ...Object.fromEntries(others) };
}

/** Of all judges and all three arms. */
function failedTrials(measured: Readonly<Record<string, Measured | null>>): number {
  const sides = Object.values(measured).flatMap((one) =>
    one === null ? [] : [one.comparison.base, one.comparison.head, one.control.head],
  );
  return sides.reduce((sum, { failed_trials: failed }) => sum + failed, 0);
}

/** `said`: null where not all that was asked has been judged. */
function describe(
  said: Said | null,
  exact: Exact | null,
  measured: Readonly<Record<string, Measured | null>>,
  failures: number,
  width: number,
): string {
  const lines: string[] = [];
  if (exact !== null)
    lines.push(`exact: ${exact.verdict}`, exact.sentence, ...exact.differences, "");
  for (const [what, one] of Object.entries(measured)) {
    if (one === null) continue;
    lines.push(`${what}: ${trusted(one)}`, describeComparison(one.comparison, width).trimEnd());
    lines.push(
      `control (the base against itself): ${one.control.summary}`,
      ...one.comparison.warnings,
      "",
    );
  }
  if (failures > 0)
    lines.push(`${plural(failures, "trial")} failed: these figures are of the others.`);
  lines.push(said === null ? "INCONCLUSIVE: cut short." : headline(said));
  return `${lines.join("\n")}\n`;
}
