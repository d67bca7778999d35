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
Each trial is a fresh target and a fresh load in a lab of their own, on a CPU each; points take turns.
A cost that grows is a finding, with its reason: the exit code is 0 unless a trial failed.

Examples:
  aoe bench growth -o growth.json
  aoe bench growth --axis exports --axis interfaces --rounds 3
  aoe bench growth exports.json depth.json`,
    async () => (await import("./growth.ts")).growthAction,
  );
}
