// `aoe bench`: its subcommands and their options. What they do is loaded when they are named.

import { Command } from "commander";
import { addOptions } from "../words/command_options.ts";
import { collect, judgeCommands } from "./judge/commands.ts";
import { LOAD_OPTIONS, type LoadCommandTexts } from "./load/options.ts";
import { exportCommand, reportCommand } from "./report/command.ts";
import { reproduceCommand } from "./claims/command.ts";
import { growthCommand } from "./growth/command.ts";
import { peersCommand } from "./peers/command.ts";
import { pinsCommand } from "./pins/command.ts";
import { wholeCommand } from "./whole/command.ts";

export function benchCommand(): Command {
  const bench = new Command("bench")
    .addHelpText(
      "after",
      `
Examples:
  aoe bench run fixtures/jobs/demo.toml
  aoe bench load e7.3 --interface eth1 --rw randread --iodepth 16
  aoe bench ab main`,
    )
    .description("measure targets, initiators and the buffer pool")
    .helpCommand(false)
    .action(() => bench.help({ error: true }));
  bench.addCommand(loadCommand());
  bench.addCommand(runCommand());
  bench.addCommand(hostsCommand());
  for (const command of judgeCommands()) bench.addCommand(command);
  bench.addCommand(reproduceCommand());
  bench.addCommand(reportCommand());
  bench.addCommand(exportCommand());
  bench.addCommand(wholeCommand());
  bench.addCommand(peersCommand());
  bench.addCommand(pinsCommand());
  bench.addCommand(growthCommand());
  bench.addCommand(doctorCommand());
  bench.addCommand(partsCommand(), { hidden: true });
  bench.addCommand(hostCommand(), { hidden: true });
  return bench;
}

function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what on this machine would spoil figures, and what can't be measured here")
    .option("--json", "the checks and the machine's facts on stdout")
    .option("-o, --output <file>", "write them to a file")
    .addHelpText(
      "after",
      `
Exit code: 0 nothing to mend, 4 something would spoil figures or is absent, 5 no labs.

Example:
  aoe bench doctor`,
    )
    .action(async (flags: Record<string, unknown>) => {
      const { doctor } = await import("./run/doctor.ts");
      process.exitCode = doctor(flags);
    });
}

/** Asked by another revision's `ab`. */
function partsCommand(): Command {
  return new Command("parts").action(async () => (await import("./run/parts.ts")).printParts());
}

function hostsCommand(): Command {
  return new Command("hosts")
    .description("look at the hosts of a job: reached, fit, clocks; the program is put there")
    .argument("<job>", "a TOML file such as fixtures/jobs/hosts_release.toml")
    .option("--set <key=value>", "override a key in every section; may be repeated", collect, [])
    .option("--hosts <file>", "take [hosts] from this file, in place of the job's own")
    .option("--clean", "put back what a killed run has left, and remove the program from there")
    .option("--json", "the facts of each host on stdout")
    .addHelpText(
      "after",
      `
Exit code: 0 a run could begin, 5 it could not.

Example:
  aoe bench hosts fixtures/jobs/hosts_release.toml`,
    )
    .action(async (path: string, flags: Record<string, string | boolean | string[]>) => {
      const { hostsAction } = await import("./run/hosts_action.ts");
      process.exitCode = await hostsAction(path, flags);
    });
}

/** Started on a host by a run elsewhere. */
function hostCommand(): Command {
  return new Command("host").argument("[address]").action(async (address = "") => {
    const { hostAction } = await import("./hosts/host_action.ts");
    process.exitCode = await hostAction(address);
  });
}

function loadCommand(): Command {
  const load = new Command("load")
    .description("put load on a target that runs, and time it")
    .argument("<address>", "which device: e7.3");
  return addOptions(load, LOAD_OPTIONS)
    .addHelpText(
      "after",
      `
Latencies of an open loop count from when a command was due, not from when it could be sent.

Examples:
  aoe bench load e7.3 --interface eth1 --rw randread --bs 4k --iodepth 16 --runtime 10s
  aoe bench load e7.3 --interface eth1 --rw randrw --verify crc32c --size 64m --json`,
    )
    .action(async (address: string, texts: LoadCommandTexts) => {
      const { loadAction } = await import("./load/load_action.ts");
      process.exitCode = await loadAction(address, texts);
    });
}

function runCommand(): Command {
  return new Command("run")
    .description("run a job file: labs, targets, images and loads are made for each trial")
    .argument("<job>", "a TOML file such as fixtures/jobs/demo.toml")
    .option(
      "--set <key=value>",
      "override a key in every section (a|b makes a list); may be repeated",
      collect,
      [],
    )
    .option("--hosts <file>", "take [hosts] from this file, in place of the job's own")
    .option("--show", "print the job as resolved and where each value came from, run nothing")
    .option("--json", "the whole result on stdout")
    .option("--ndjson", "a line of JSON at the start, after each trial and at the end, on stdout")
    .option("-o, --output <file>", "write the whole result to a file")
    .option("--save-baseline <name>", "keep the result under a name")
    .option("--baseline <name>", "judge the result beside the baseline of that name")
    .addHelpText(
      "after",
      `
Example:
  aoe bench run fixtures/jobs/demo.toml --set runtime=2s --set trials=3 -o result.json`,
    )
    .action(async (path: string, flags: Record<string, string | boolean | string[]>) => {
      const { runAction } = await import("./run_action.ts");
      process.exitCode = await runAction(path, flags);
    });
}
