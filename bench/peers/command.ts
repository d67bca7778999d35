// `aoe bench peers` on the command line.

import type { Command } from "commander";
import { experimentCommand } from "../run/experiment_command.ts";
import { PEERS_OPTIONS } from "./options.ts";

export function peersCommand(): Command {
  return experimentCommand(
    "peers",
    "compare our target with vblade, other targets, and limits written in C",
    PEERS_OPTIONS,
    `
Each trial starts a new target and a new load in a lab, each on its own CPU; the arms of a cell
alternate. vblade is the system's (apt install vblade); load and limits need a C compiler.
A missed bar is a finding, not a failure: the exit code is 0 unless a trial failed.

Examples:
  aoe bench peers -o peers.json
  aoe bench peers --arms ours,vblade --bs 4k --iodepth 16 --rounds 3 --parts cells
  aoe bench peers --peer 'mine=mytarget {SHELF} {SLOT} {IF} {IMAGE}' --arms ours,mine
  aoe bench peers small.json large.json`,
    async () => (await import("./peers.ts")).peersAction,
  );
}
