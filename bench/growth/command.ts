// `aoe bench growth` on the command line.

import type { Command } from "commander";
import { experimentCommand } from "../run/experiment_command.ts";
import { GROWTH_OPTIONS } from "./options.ts";

export function growthCommand(): Command {
  return experimentCommand(
    "growth",
    "measure what a read costs with more exports, depth, image, initiators and interfaces",
    GROWTH_OPTIONS,
    `
Each trial starts a new target and a new load in a lab, each on its own CPU; points alternate.
The load is written in C and needs a C compiler.
A cost that grows is a finding, not a failure: the exit code is 0 unless a trial failed.

Examples:
  aoe bench growth -o growth.json
  aoe bench growth --axis exports --axis interfaces --rounds 3
  aoe bench growth exports.json depth.json`,
    async () => (await import("./growth.ts")).growthAction,
  ).alias("scaling");
}
