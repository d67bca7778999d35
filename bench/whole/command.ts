// `aoe bench whole`: its options. What it does is loaded when it is named.

import { Command } from "commander";

export function wholeCommand(): Command {
  return new Command("whole")
    .alias("wall")
    .description(
      "time whole commands with hyperfine: cold start, a target's start, reading an image",
    )
    .argument("[what...]", "cold-start, ready, read (all of them)")
    .option("--runs <n>", "runs of each command (default 10)")
    .option("--warmup <n>", "runs before these, not counted (default 1)")
    .option("--size <size>", "size of the image (default 256m)")
    .option("--mtu <bytes>", "MTU of the lab (default 9000)")
    .option("--json", "the result on stdout")
    .option("-o, --output <file>", "write the result to a file")
    .addHelpText(
      "after",
      `
hyperfine is the system's (apt install hyperfine). If vblade is installed, it is measured too.

Example:
  aoe bench whole ready read --runs 5 -o whole.json`,
    )
    .action(async (what: string[], flags: Record<string, unknown>) => {
      const { wholeAction } = await import("./whole_action.ts");
      process.exitCode = await wholeAction(what, flags);
    });
}
