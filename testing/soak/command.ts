// `aoe bench soak` and its options; the scenarios are loaded when it runs.

import { Command, Option } from "commander";

import type { SoakFlags } from "./soak_action.ts";

export function soakCommand(): Command {
  return new Command("soak")
    .description("put heavy load and faults on target and initiator, over raw sockets in a lab")
    .argument(
      "[names...]",
      "all (the default), or some of: depth many loss hang link-down flat faults",
    )
    .option("--seconds <n>", "approximate time of each scenario (default 5)")
    .option("--json", "one JSON document on stdout")
    .addOption(new Option("--inside").hideHelp())
    .addHelpText(
      "after",
      `
Exit code: 0 when everything holds, 1 when something does not. What each scenario requires: docs/soak.md

Examples:
  aoe bench soak
  aoe bench soak flat --seconds 60 --json`,
    )
    .action(async (names: string[], flags: SoakFlags) => {
      const { soakAction } = await import("./soak_action.ts");
      process.exitCode = await soakAction(names, flags);
    });
}
