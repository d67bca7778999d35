// `aoe bench faults`: its options. What it does is loaded when it runs.

import { Command } from "commander";

export function faultRunCommand(): Command {
  return new Command("faults")
    .description(
      "run commands over a simulated network that loses, doubles, reorders and damages frames",
    )
    .option("--commands <n>", "how many (1000000)")
    .option("--seed <n>", "of commands and faults (1)")
    .option("--json", "the figures on stdout as JSON")
    .addHelpText(
      "after",
      `
1 % of frames lost, 1 % doubled, 1 % reordered, 0.1 % damaged (a flipped bit in headers or payload, or a
wrong length), in both directions. Ends with 0 where every request ended, every sector read was right or its
stamp caught the damage, and no stale write reached the disk; else with 1.

Example:
  aoe bench faults --commands 100000 --seed 7`,
    )
    .action(async (flags: Record<string, string | boolean>) => {
      const { faultRunAction } = await import("./lossy_run_action.ts");
      process.exitCode = await faultRunAction(flags);
    });
}
