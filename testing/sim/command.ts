// `aoe bench sim`: its options. What it does is loaded when it is named.

import { Command } from "commander";

export function simCommand(): Command {
  return new Command("sim")
    .description("simulate targets and initiators under a virtual clock, one seed per run")
    .option("--seed <n>", "run one seed")
    .option(
      "--seeds <range>",
      "number of runs, from seed 0 on (default 1000), or a range without its end: 5000..6000",
    )
    .option(
      "--scenario <file>",
      "run a scenario from a JSON file, as --minimize and --show print it",
    )
    .option("--minimize", "minimize the first scenario that fails")
    .option("--show", "print the scenario and run nothing")
    .option("--speed", "measure simulated commands per second, in five rounds")
    .option("--golden", "compare the tables of pools and of loss with fixtures/baselines")
    .option("--update", "with --golden: write the tables again")
    .option("--json", "the verdict on stdout as JSON, one line a run")
    .addHelpText(
      "after",
      `
Default: --seeds 1000. Exit code: 0 when all runs pass, 1 when one fails.

Examples:
  aoe bench sim --seeds 10000
  aoe bench sim --seed 4711 --json
  aoe bench sim --seed 4711 --minimize
  aoe bench sim --golden`,
    )
    .action(async (flags: Record<string, string | boolean>) => {
      const { simAction } = await import("./sim_action.ts");
      process.exitCode = await simAction(flags);
    });
}
