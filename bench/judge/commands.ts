// The subcommands of `aoe bench` that judge: compare, ab, search, prove, merge and the result's schema.
// What they do is loaded when they are named.

import { Command } from "commander";
import { BISECT_METRICS, METRIC_NAMES } from "./metric.ts";

export function judgeCommands(): Command[] {
  return [
    compareCommand(),
    abCommand(),
    historyCommand(),
    bisectCommand(),
    searchCommand(),
    proveCommand(),
    mergeCommand(),
    schemaCommand(),
  ];
}

export function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function compareCommand(): Command {
  return new Command("compare")
    .description("compare two results: better, worse, same or inconclusive")
    .argument("[results...]", "BASE and HEAD, as `aoe bench run -o` writes them")
    .option("--baseline <name>", "a saved baseline instead of BASE")
    .option("--by <keys>", "compare the arms of one result: pool, or several keys, as pool,kick")
    .option("--columns <keys>", "the same, by benchstat's name")
    .option(
      "--rows <keys>",
      "with --by: one row for each value of these keys, all else in its mean",
    )
    .option("--metric <name>", `${METRIC_NAMES.join(" ")} (iops; with rate_iops lat.p99)`)
    .option("--band <share>", "noise band, such as 3%, instead of the one measured by --noise")
    .option("--anyway", "compare even if environment or job differ")
    .option("--noise <job>", "run a job against itself and save how far two equal runs differ")
    .option("--set <key=value>", "with --noise: override a key of the job", collect, [])
    .option("--json", "the comparison on stdout")
    .addHelpText(
      "after",
      `
Exit code: 0 better or same, 3 worse, 4 inconclusive, 5 not comparable, 1 a trial failed.

Examples:
  aoe bench compare --noise fixtures/jobs/smoke.toml
  aoe bench run fixtures/jobs/smoke.toml --set trials=9 -o a.json
  aoe bench run fixtures/jobs/smoke.toml --set trials=9 -o b.json
  aoe bench compare a.json b.json
  aoe bench compare a.json --by pool`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { compareAction } = await import("./compare_action.ts");
      process.exitCode = await compareAction(files, flags);
    });
}

function abCommand(): Command {
  return new Command("ab")
    .description("compare two revisions of this program, or one with the work tree")
    .argument("<base>", "a git revision")
    .argument("[head]", "another revision (default: the work tree)")
    .option("--only <judges>", "which judges: some of exact,micro,cost,sockets")
    .option("--job <file>", "the job to run over raw sockets (default fixtures/jobs/smoke.toml)")
    .option("--set <key=value>", "override a key of that job", collect, [])
    .option("--json", "everything on stdout")
    .option("-o, --output <file>", "write it to a file")
    .option("--git-bisect", "exit codes for `git bisect run`: 0 good, 1 worse, 125 not decided")
    .addHelpText(
      "after",
      `
First the golden tables of pools, and the objects, calls, copies and frames of a command, are
compared by equality. Then three costs are compared, with alternating trials and a control arm:
the pool alone, a command's CPU time under the virtual clock, and a job over raw sockets.
Exit code: 0 better or same, 3 worse or a broken invariant, 4 inconclusive.

Examples:
  aoe bench ab HEAD
  aoe bench ab main HEAD --only exact,micro,cost`,
    )
    .action(async (base: string, head: string | undefined, flags: Record<string, unknown>) => {
      const { abAction } = await import("./ab/ab_action.ts");
      process.exitCode = await abAction(head === undefined ? [base] : [base, head], flags);
    });
}

const STORE = "folder of what is known of commits (default: `history` in the bench's state)";

function historyCommand(): Command {
  return new Command("history")
    .description("judge each commit of a range by the one before it, and keep what was measured")
    .argument("<range>", "commits: HEAD~20..HEAD")
    .option(
      "--exact",
      "the golden table of pools and the counts of a command (the default without --cost)",
    )
    .option("--cost", "CPU time of a command under the virtual clock")
    .option("--set <key=value>", "with --cost: override a key of its job", collect, [])
    .option("--store <folder>", STORE)
    .option("--json", "everything on stdout")
    .option("-o, --output <file>", "write it to a file")
    .addHelpText(
      "after",
      `
What the store has is not measured again. Of a merge only the first parent's side is looked at.
Exit code: 0 done, 1 a commit could not be measured here.

Examples:
  aoe bench history HEAD~20..HEAD
  aoe bench history v0.1.0..HEAD --exact --cost -o history.json`,
    )
    .action(async (range: string, flags: Record<string, unknown>) => {
      const { historyAction } = await import("./history/history_action.ts");
      process.exitCode = await historyAction(range, flags);
    });
}

function bisectCommand(): Command {
  return new Command("bisect")
    .description("find the first commit that is worse than a good one")
    .argument("<good>", "a revision, an ancestor of <bad>")
    .argument("<bad>", "a later revision that is worse")
    .option("--metric <name>", `${BISECT_METRICS.join(" ")} (exact)`)
    .option("--job <file>", "the job for iops, lat.* and cpu (default: those of `aoe bench ab`)")
    .option("--set <key=value>", "override a key of that job", collect, [])
    .option("--store <folder>", STORE)
    .option("--json", "everything on stdout")
    .option("-o, --output <file>", "write it to a file")
    .addHelpText(
      "after",
      `
A commit that decides nothing is left out, as git bisect leaves out one with exit code 125.
Exit code: 0 found, 4 not decided between several, 2 <bad> is not worse.

Examples:
  aoe bench bisect HEAD~20 HEAD
  aoe bench bisect v0.1.0 HEAD --metric cpu`,
    )
    .action(async (good: string, bad: string, flags: Record<string, unknown>) => {
      const { bisectAction } = await import("./history/bisect_action.ts");
      process.exitCode = await bisectAction(good, bad, flags);
    });
}

function searchCommand(): Command {
  return new Command("search")
    .description("find the smallest sufficient cap, or the highest rate within a latency limit")
    .argument("<what>", "cap or rate")
    .argument("<job>", "a job of one cell")
    .option("--keep <share>", "cap: how much of the peak it must keep (99%)")
    .option("--p99 <duration>", "rate: what p99 must stay under")
    .option("--most <n>", "the largest value tried (cap 256, rate 10000000)")
    .option("--set <key=value>", "override a key of the job", collect, [])
    .option("--json", "the answer and every step on stdout")
    .addHelpText(
      "after",
      `
Examples:
  aoe bench search cap fixtures/jobs/smoke.toml --set pool=scan-swap
  aoe bench search rate fixtures/jobs/smoke.toml --set pool=completion --p99 2ms`,
    )
    .action(async (what: string, job: string, flags: Record<string, unknown>) => {
      const { searchAction } = await import("./search/search_action.ts");
      process.exitCode = await searchAction(what, job, flags);
    });
}

function proveCommand(): Command {
  return new Command("prove")
    .alias("selftest")
    .description("test the judge itself: on two equal things, or on a slow-down of known size")
    .argument("<what>", "equal or slow")
    .option("--job <file>", "the job to run (default fixtures/jobs/cost.toml with one pool)")
    .option("--set <key=value>", "override a key of the job", collect, [])
    .option("--metric <name>", `${METRIC_NAMES.join(" ")} (cpu)`)
    .option("--times <n>", "comparisons (equal 20, slow 10)")
    .option("--trials <n>", "trials per side (equal 7, slow 9)")
    .option(
      "--slow <share>",
      "share of a command's CPU cost that is burnt in the send path (default 10%)",
    )
    .option("--band <share>", "noise band (default: the one measured by --noise, else 5%)")
    .addHelpText(
      "after",
      `
Exit code: 0 when equal things differed at most once, or the slow-down was found every time; otherwise 1.

Examples:
  aoe bench prove equal
  aoe bench prove slow
  aoe bench prove slow --job fixtures/jobs/smoke.toml --set pool=scan-swap     over raw sockets`,
    )
    .action(async (what: string, flags: Record<string, unknown>) => {
      const { proveAction } = await import("./prove_action.ts");
      process.exitCode = await proveAction(what, flags);
    });
}

function mergeCommand(): Command {
  return new Command("merge")
    .description("merge results of the same job, program and machine")
    .argument("<results...>", "files of `aoe bench run -o`")
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      `
Exit code: 5 when they are not of one job, program and machine.

Example:
  aoe bench merge monday.json tuesday.json -o both.json`,
    )
    .action(async (files: string[], { output }: { readonly output: string }) => {
      const { mergeAction } = await import("../result/merge_action.ts");
      process.exitCode = mergeAction(files, output);
    });
}

function schemaCommand(): Command {
  return new Command("schema")
    .addHelpText(
      "after",
      `
Examples:
  aoe bench schema > result.schema.json
  aoe bench schema job`,
    )
    .description("print the form of a result, or of a job file, as JSON Schema")
    .argument("[what]", "result or job", "result")
    .action(async (what: string) => {
      const { schemaAction } = await import("../result/schema_action.ts");
      schemaAction(what);
    });
}
