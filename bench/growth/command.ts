// `aoe bench growth`: its options. What it does is loaded when it is named.

import { Command } from "commander";
import { GROWTH_DEFAULTS } from "./growth_defaults.ts";

export function growthCommand(): Command {
  return new Command("growth")
    .description(
      "measure what a read costs with more exports, depth, image, initiators and interfaces",
    )
    .argument("[results...]", "show results of earlier runs as one, and measure nothing")
    .option(
      "--axis <name>",
      "exports, depth, image, initiators, interfaces; may be repeated (all of them)",
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option("--rounds <n>", `trials of each point (default ${GROWTH_DEFAULTS.rounds})`)
    .option(
      "--runtime <duration>",
      `measured time of each half of a trial (default ${GROWTH_DEFAULTS.runtime})`,
    )
    .option(
      "--warm-up <duration>",
      `before it, not in the figures (default ${GROWTH_DEFAULTS.warmUp})`,
    )
    .option("--seed <n>", `of the order of trials, and of the places (${GROWTH_DEFAULTS.seed})`)
    .option("--json", "the result on stdout")
    .option("-o, --output <file>", "write the result to a file")
    .addHelpText(
      "after",
      `
Each trial is a fresh target and a fresh load in a lab of their own, on a CPU each; points take turns.
A cost that grows is a finding, with its reason: the exit code is 0 unless a trial failed.

Examples:
  aoe bench growth -o growth.json
  aoe bench growth --axis exports --axis interfaces --rounds 3
  aoe bench growth exports.json depth.json`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { growthAction } = await import("./growth_action.ts");
      process.exitCode = await growthAction(files, flags);
    });
}
