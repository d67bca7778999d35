// `aoe bench faults`: its options. What it does is loaded when it runs.

import { Command } from "commander";

export function faultRunCommand(): Command {
  return new Command("faults")
    .description(
      "run commands over a simulated network that loses, duplicates, reorders and corrupts frames",
    )
    .option("--commands <n>", "number of commands (default 1000000)")
    .option("--seed <n>", "seed of commands and faults (default 1)")
    .option("--json", "the figures on stdout as JSON")
    .addHelpText(
      "after",
      `
In both directions 1 % of frames are lost, 1 % duplicated, 1 % reordered and 0.1 % corrupted (a flipped bit in
headers or payload, or a wrong length). Exit code: 0 when every request ended, every sector read was correct or
its stamp showed the corruption, and no stale write reached the disk; otherwise 1.

Example:
  aoe bench faults --commands 100000 --seed 7`,
    )
    .action(async (flags: Record<string, string | boolean>) => {
      const { faultRunAction } = await import("./lossy_run_action.ts");
      process.exitCode = await faultRunAction(flags);
    });
}
