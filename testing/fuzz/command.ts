// `aoe bench fuzz` and its options; the surfaces are loaded when it runs.

import { Command } from "commander";

import type { FuzzFlags } from "./fuzz_action.ts";

export function fuzzCommand(): Command {
  return new Command("fuzz")
    .description("send invalid input to target, initiator, NBD server and all parsers")
    .option("--seconds <n>", "run time (default 10)")
    .option("--cases <n>", "cases of each surface, instead of a time")
    .option("--seed <n>", "seed of all cases (default: from the clock)")
    .option("--case <n>", "only this case, as a finding names it")
    .option(
      "--only <names>",
      "target, service, initiator, nbd, control, captures, texts (all of them), or tap; separated by commas",
    )
    .option("--save <folder>", "write the input of each finding to FOLDER/SURFACE")
    .option("--json", "one JSON document on stdout")
    .addHelpText(
      "after",
      `
Exit code: 0 when nothing was found, 1 when something was. The rules of each surface: docs/fuzzing.md

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
