// `aoe bench fuzz` and its options; the surfaces are loaded when it runs.

import { Command } from "commander";

import type { FuzzFlags } from "./fuzz_action.ts";

export function fuzzCommand(): Command {
  return new Command("fuzz")
    .description("feed both cores, the NBD server and every parser what nobody should send")
    .option("--seconds <n>", "how long (10)")
    .option("--cases <n>", "cases of each surface, in place of a time")
    .option("--seed <n>", "of all cases (the clock)")
    .option("--case <n>", "this one case alone, as a finding names it")
    .option(
      "--only <names>",
      "target, service, initiator, nbd, control, captures, texts (all of them), or tap; separated by commas",
    )
    .option("--save <folder>", "write the input of each finding to FOLDER/SURFACE")
    .option("--json", "one JSON document on stdout")
    .addHelpText(
      "after",
      `
Exit code: 0 when nothing was found, 1 when something was. What each surface is held to: docs/fuzzing.md

Examples:
  aoe bench fuzz --seconds 60
  aoe bench fuzz --only initiator --seed 7 --case 123
  aoe lab -- aoe bench fuzz --only tap --seconds 600`,
    )
    .action(async (flags: FuzzFlags) => {
      const { fuzzAction } = await import("./fuzz_action.ts");
      process.exitCode = await fuzzAction(flags);
    });
}
