// `aoe bench sim`: its options. What it does is loaded when it is named.

import { Command } from "commander";

export function simCommand(): Command {
  return new Command("sim")
    .description("simulate targets and initiators under a virtual clock, one seed a run")
    .option("--seed <n>", "one run, exactly as it was before")
    .option(
      "--seeds <range>",
      "as many runs: 1000 (from seed 0 on), or 5000..6000 (the last one not)",
    )
    .option("--scenario <file>", "one run of a scenario as JSON, as --minimize and --show print it")
    .option("--minimize", "shrink the first scenario that fails")
    .option("--show", "print the scenario, run nothing")
    .option("--speed", "simulated commands a second of one CPU, in five rounds")
    .option(
      "--golden",
      "run the tables of pools and of loss, and compare them with fixtures/baselines",
    )
    .option("--update", "with --golden: write the tables anew")
    .option("--json", "the verdict on stdout as JSON, one line a run")
    .addHelpText(
      "after",
      `
Without a choice: --seeds 1000. Ends with 0 where all runs pass, 1 where one fails.

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
