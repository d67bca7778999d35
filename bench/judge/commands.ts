// The subcommands of `aoe bench` that judge: compare, ab, search, prove, merge and the result's schema.
// What they do is loaded when they are named.

import { Command } from "commander";
import { METRIC_NAMES } from "./metric.ts";

export function judgeCommands(): Command[] {
  return [
    compareCommand(),
    abCommand(),
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
    .description("judge one result beside another: better, worse, same or inconclusive")
    .argument("[results...]", "BASE and HEAD, as `aoe bench run -o` writes them")
    .option("--baseline <name>", "a saved baseline in place of BASE")
    .option("--metric <name>", `${METRIC_NAMES.join(" ")} (iops; with rate_iops lat.p99)`)
    .option("--band <share>", "noise band, such as 3%, in place of what --noise has learned")
    .option("--anyway", "compare although environment or job differ")
    .option("--noise <job>", "run a job against itself and keep how far two equal runs differ")
    .option("--set <key=value>", "with --noise: override a key of the job", collect, [])
    .option("--json", "the comparison on stdout")
    .addHelpText(
      "after",
      `
Ends with 0 (better, same), 3 (worse), 4 (inconclusive), 5 (not comparable), 1 (a trial had failed).

Examples:
  aoe bench compare --noise fixtures/jobs/smoke.toml
  aoe bench run fixtures/jobs/smoke.toml --set trials=9 -o a.json
  aoe bench run fixtures/jobs/smoke.toml --set trials=9 -o b.json
  aoe bench compare a.json b.json`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { compareAction } = await import("./compare_action.ts");
      process.exitCode = await compareAction(files, flags);
    });
}

function abCommand(): Command {
  return new Command("ab")
    .description("judge one revision of this program beside another, or beside the work tree")
    .argument("<base>", "a git revision")
    .argument("[head]", "another (the work tree as it is)")
    .option("--only <judges>", "some of exact,micro,cost,sockets")
    .option("--job <file>", "what runs over raw sockets (fixtures/jobs/smoke.toml)")
    .option("--set <key=value>", "override a key of that job", collect, [])
    .option("--json", "everything on stdout")
    .option("-o, --output <file>", "write it to a file")
    .addHelpText(
      "after",
      `
The golden table of pools is compared first, by equality; then what the pool alone costs, a command's CPU
time under the virtual clock and a job over raw sockets, all three interleaved and with a control arm.
Ends with 0 (better, same), 3 (worse, or an invariant broke), 4 (inconclusive).

Examples:
  aoe bench ab HEAD
  aoe bench ab main HEAD --only exact,micro,cost`,
    )
    .action(async (base: string, head: string | undefined, flags: Record<string, unknown>) => {
      const { abAction } = await import("./ab/ab_action.ts");
      process.exitCode = await abAction(head === undefined ? [base] : [base, head], flags);
    });
}

function searchCommand(): Command {
  return new Command("search")
    .description("find the smallest cap that is enough, or the highest rate that is bearable")
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
    .description("try the judge itself: on two equal things, or on a slow-down of known size")
    .argument("<what>", "equal or slow")
    .option("--job <file>", "what is run (fixtures/jobs/cost.toml with one pool)")
    .option("--set <key=value>", "override a key of the job", collect, [])
    .option("--metric <name>", `${METRIC_NAMES.join(" ")} (cpu)`)
    .option("--times <n>", "comparisons (equal 20, slow 10)")
    .option("--trials <n>", "trials a side (equal 7, slow 9)")
    .option("--slow <share>", "of a command's whole CPU cost, burnt in the send path (10%)")
    .option("--band <share>", "noise band (that of --noise, else 5%)")
    .addHelpText(
      "after",
      `
Ends with 0 where equal things were told apart at most once, or the slow-down was found every time; else 1.

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
    .description("make one result of several of the same job, program and machine")
    .argument("<results...>", "files of `aoe bench run -o`")
    .requiredOption("-o, --output <file>", "where to write it")
    .addHelpText(
      "after",
      `
Ends with 5 where they are not of one job, program and machine.

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
    .description("print the form of a result, or of a job file, as JSON Schema")
    .argument("[what]", "result or job", "result")
    .action(async (what: string) => {
      const { schemaAction } = await import("../result/schema_action.ts");
      schemaAction(what);
    });
}
