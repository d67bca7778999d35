// `aoe bench history REV..REV`: each commit's exact figures, and with --cost its CPU time, kept in
// a store. What the store has is not measured again, so that a history grows by its new commits
// alone, and one cut short goes on.

import { catchInterrupt } from "../../../initiator/commands/interrupted.ts";
import { EXIT, Failure } from "../../../words/failure.ts";
import { sayAs } from "../../../words/say.ts";
import { NOTHING, plural } from "../../../words/shown.ts";
import { createStatusLine } from "../../../words/status_line.ts";
import { formatRecords } from "../../../words/table.ts";
import { ROOT } from "../../../sys/root.ts";
import { checkOutput, type OutputFlags, publish } from "../../machine/output.ts";
import { codeOf, untilCut } from "../../machine/cut_short.ts";
import { provenance } from "../../machine/provenance.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import { type Exact, judgeExact, type Table, tableOf } from "../ab/exact.ts";
import { checkOut, requireRepository } from "../ab/worktree.ts";
import { type JudgedRows, judgeRows, share } from "../rows.ts";
import { type Commit, commitsOf } from "./revision_range.ts";
import { CPU, measureCost } from "./measure_commit.ts";
import { drawMoves, type Move, movesBetween } from "./moves.ts";
import { type Cost, type Known, knownCosts, knownTables, storeAt } from "./commit_store.ts";

const say = sayAs("aoe bench history");

interface Flags extends OutputFlags {
  readonly exact?: boolean;
  readonly cost?: boolean;
  readonly store?: string;
  readonly set?: string[];
}

/** A commit beside the one before it. */
interface Judged extends Commit {
  /** null: the first, or without a table. */
  readonly exact: Exact | null;
  readonly moves: readonly Move[];
  /** null: not asked for, the first, or without figures. */
  readonly cost: JudgedRows | null;
}

/** Returns the exit code. */
export async function historyAction(
  range: string,
  given: Readonly<Record<string, unknown>>,
): Promise<number> {
  const flags = given as Flags;
  checkOutput(flags.output);
  requireRepository(ROOT, "aoe bench history");
  const commits = commitsOf(ROOT, range);
  const store = storeAt(flags.store);
  const asked = {
    tables: flags.exact === true || flags.cost !== true ? knownTables(store) : null,
    costs: flags.cost === true ? knownCosts(store, provenance().machine) : null,
  };
  const interrupt = catchInterrupt();
  const { signal } = interrupt;
  let [measured, unable] = [0, 0];
  const line = createStatusLine();
  const cut = await untilCut(signal, async () => {
    for (const [at, commit] of commits.entries()) {
      const missing = missingOf(asked, commit);
      if (missing.tables === null && missing.costs === null) continue;
      const hash = commit.revision.slice(0, 12);
      const name = `${at + 1}/${commits.length}  ${hash}  ${commit.subject}`;
      line.show(name);
      try {
        await measure(commit, missing, flags, signal);
      } catch (error) {
        // Of this machine, not of the commit: nothing is kept, and the next run tries again.
        if (signal.aborted || !(error instanceof Failure)) throw error;
        line.keep(`${name}: ${error.message}`);
        unable++;
        continue;
      }
      line.step(`${name}: measured`, false);
      measured++;
    }
  }).finally(interrupt.release);
  line.clear();
  const count = `${measured} of ${plural(commits.length, "commit")} measured`;
  say(`${count}${cut ? ", then cut short" : ""}; the store is ${store}.`);
  const judged = judge(commits, asked);
  const result = {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench history",
    range,
    store,
    cut_short: cut,
    commits: judged,
  };
  publish(result, (width) => describe(judged, asked, width), flags);
  if (cut) return codeOf(signal);
  return unable > 0 ? EXIT.failed : EXIT.done;
}

/** What is asked for, or what of it the store has not; null: nothing. */
interface Missing {
  readonly tables: Known<Table | null> | null;
  readonly costs: Known<Cost> | null;
}

function missingOf({ tables, costs }: Missing, { revision }: Commit): Missing {
  return {
    tables: tables?.get(revision) === undefined ? tables : null,
    costs: costs?.get(revision) === undefined ? costs : null,
  };
}

async function measure(commit: Commit, missing: Missing, { set = [] }: Flags, signal: AbortSignal) {
  const at = new Date().toISOString();
  const tree = await checkOut(ROOT, commit.revision, signal);
  try {
    const { tables, costs } = missing;
    if (tables !== null) tables.add(commit, at, await tableOf(tree.program, signal));
    if (costs !== null) costs.add(commit, at, await measureCost(tree.program, set, signal));
  } finally {
    tree.close();
  }
}

function judge(commits: readonly Commit[], { tables, costs }: Missing): Judged[] {
  return commits.map((commit, at) => {
    const before = commits[at - 1]?.revision ?? "";
    const [old, table] = [tables?.get(before), tables?.get(commit.revision)];
    const [cheap, cost] = [costs?.get(before), costs?.get(commit.revision)];
    return {
      ...commit,
      exact:
        table === undefined || (old === undefined && !isBroken(table))
          ? null
          : judgeExact(old ?? null, table),
      moves: movesBetween(old ?? null, table ?? null),
      cost: cheap === undefined || cost === undefined ? null : judgeCosts(cheap, cost),
    };
  });
}

function isBroken(table: Table | null): boolean {
  return table !== null && "failure" in table;
}

function judgeCosts(before: Cost, after: Cost): JudgedRows {
  const name = (row: Cost["rows"][number]): string => JSON.stringify([row.job, row.axes]);
  const others = new Map(before.rows.map((row) => [name(row), row]));
  const rows = after.rows.flatMap((row) => {
    const { values = [] } = others.get(name(row)) ?? {};
    if (values.length === 0 || row.values.length === 0) return [];
    return [{ ...row, base: values, head: row.values, disturbed: false }];
  });
  return judgeRows(rows, CPU);
}

function describe(commits: readonly Judged[], { tables, costs }: Missing, width: number): string {
  const rows = commits.map(({ revision, committed_at, subject, exact, cost }) => ({
    commit: revision.slice(0, 12),
    date: committed_at.slice(0, 10),
    ...(tables === null ? {} : { exact: exact?.verdict ?? NOTHING }),
    ...(costs !== null ? { cost: cost === null ? NOTHING : costOf(cost) } : {}),
    subject,
  }));
  const moved = commits.filter(({ exact }) => exact !== null && exact.verdict !== "same");
  const details = moved.flatMap(({ revision, exact, moves }) => [
    `${revision.slice(0, 12)}: ${exact?.sentence}`,
    ...moves.map((move) => `  ${describeMove(move)}`),
  ]);
  const marks = drawMoves(
    commits.map(({ exact, moves }) =>
      exact === null || exact.verdict === "absent"
        ? undefined
        : exact.verdict === "broken"
          ? null
          : moves,
    ),
  );
  const legend =
    "a mark a commit, the oldest first: · same  − worse  + better  ± both  ! broken  ? not known";
  const drawn = marks === "" ? "" : `\n${legend}\n${marks}`;
  const said = details.length === 0 ? "" : `\n${details.join("\n")}\n`;
  return `${formatRecords(rows, width, ["date"])}${said}${drawn}`;
}

/** `worse (108.1 %)`: beside the commit before. */
function costOf({ verdict, geomean }: JudgedRows): string {
  return geomean === null ? verdict : `${verdict} (${share(geomean.ratio)})`;
}

function describeMove({ strategy, figure, worse, better, most }: Move): string {
  const rows = [
    ...(worse > 0 ? [`worse in ${worse}`] : []),
    ...(better > 0 ? [`better in ${better}`] : []),
  ];
  const change = `${most.before} → ${most.after} (${most.row})`;
  return `${strategy} ${figure}: ${rows.join(", ")} rows; most ${change}`;
}
