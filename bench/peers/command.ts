// `aoe bench peers`: its options. What it does is loaded when it is named.

import { Command } from "commander";
import { PEERS_DEFAULTS } from "./defaults.ts";

export function peersCommand(): Command {
  return new Command("peers")
    .description("measure our target beside vblade, beside others, and beside limits written in C")
    .argument("[results...]", "show results of earlier runs as one, and measure nothing")
    .option(
      "--parts <list>",
      `what is measured: cells, one-cpu, load, idle (default ${PEERS_DEFAULTS.parts})`,
    )
    .option("--arms <list>", `which targets (default ${PEERS_DEFAULTS.arms})`)
    .option(
      "--peer <name=command>",
      "another target, its command with {IF} {IMAGE} {SHELF} {SLOT}; may be repeated",
      (value: string, before: string[]) => [...before, value],
      [],
    )
    .option("--bs <list>", `bytes of a command (default ${PEERS_DEFAULTS.bs})`)
    .option("--iodepth <list>", `commands outstanding (default ${PEERS_DEFAULTS.iodepth})`)
    .option("--rw <list>", `read, write (default ${PEERS_DEFAULTS.rw})`)
    .option("--rounds <n>", `trials of each arm in each cell (default ${PEERS_DEFAULTS.rounds})`)
    .option("--runtime <duration>", `measured time of a trial (default ${PEERS_DEFAULTS.runtime})`)
    .option(
      "--warm-up <duration>",
      `before it, at full speed, not in the figures; four times that on one CPU (default ${PEERS_DEFAULTS.warmUp})`,
    )
    .option("--mtu <bytes>", `of the lab's network (default ${PEERS_DEFAULTS.mtu})`)
    .option("--image-size <size>", `of what is served (default ${PEERS_DEFAULTS.imageSize})`)
    .option("--image-in <folder>", "where it lies (in memory: /dev/shm, else where TMPDIR says)")
    .option("--seed <n>", `of the order of trials, and of the places (${PEERS_DEFAULTS.seed})`)
    .option("--json", "the result on stdout")
    .option("--markdown", "tables for a page in place of a terminal's")
    .option("-o, --output <file>", "write the result to a file")
    .addHelpText(
      "after",
      `
Each trial is a fresh target and a fresh load in a lab of their own, on a CPU each; the arms of a cell
take turns. vblade is the system's (apt install vblade); the limits need a C compiler.
A bar that is not met is a finding: the exit code is 0 unless a trial failed.

Examples:
  aoe bench peers -o peers.json
  aoe bench peers --arms ours,vblade --bs 4k --iodepth 16 --rounds 3 --parts cells
  aoe bench peers --peer 'mine=mytarget {SHELF} {SLOT} {IF} {IMAGE}' --arms ours,mine
  aoe bench peers small.json large.json`,
    )
    .action(async (files: string[], flags: Record<string, unknown>) => {
      const { peersAction } = await import("./peers_action.ts");
      process.exitCode = await peersAction(files, flags);
    });
}
