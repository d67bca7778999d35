// `aoe lab`: runs a command in a lab, and from within a late lab moves its hold.
//
// Signals: what reaches us is passed on to the command, so that `kill` on the lab is `kill` on the
// command. A Ctrl-C has reached the command already (a terminal signals its whole foreground group);
// passing it on again would be a second one, which many programs take as "at once".

import { constants } from "node:os";

import { Command, Option } from "commander";

import { usage } from "../words/failure.ts";
import { parseDuration, parseInteger } from "../words/quantity.ts";
import { onSignals } from "../words/signals.ts";
import { labCommandLine, labEnv, requireLab } from "./lab.ts";
import { childrenOf, readStat } from "./process_tree.ts";
import {
  DEFAULT_MTU,
  describeLab,
  type LabShape,
  MTU_MAX,
  MTU_MIN,
  PAIRS_MAX,
  READY,
} from "./setup.ts";
import { type GuestNic, parseNics } from "./vm_nics.ts";
import { type Accelerator, findParts } from "./vm_parts.ts";
import { QEMU_NAME } from "./vm_guest.ts";

interface LabFlags {
  readonly mtu?: number;
  readonly pairs?: number;
  readonly late?: true;
  readonly vm?: readonly GuestNic[];
  readonly kernel?: string;
  readonly modules?: string;
  readonly accel?: Accelerator;
  readonly module?: readonly string[];
  readonly verbose?: true;
}

export function labCommand(): Command {
  const lab = new Command("lab")
    .description("run a command in its own network namespace, without root")
    .usage("[options] -- COMMAND…")
    .argument(
      "[command...]",
      "command to run, after --, with AOE_LAB_A and AOE_LAB_B in its environment",
    )
    .option("--mtu <bytes>", `largest payload on every pair (default ${DEFAULT_MTU})`, (text) =>
      parseInteger(text, "--mtu", MTU_MIN, MTU_MAX),
    )
    .option("--pairs <count>", "veth pairs a0-b0, a1-b1, … (default 1)", (text) =>
      parseInteger(text, "--pairs", 1, PAIRS_MAX),
    )
    .option("--late", "add t0, a transmit interface that can hold sent frames (see: aoe lab late)")
    .option(
      "--vm <nics>",
      "the far ends are in a guest with these NICs: e1000e, or virtio:napi_tx=0,rtl8139",
      (text) => parseNics(text, "--vm"),
    )
    .option(
      "--kernel <path>",
      "the guest's kernel: a file, or a folder with boot/ and lib/modules/",
    )
    .option("--modules <folder>", "the modules of --kernel, where they are not beside it")
    .option(
      "--module <name>",
      "load this module as well: a name (aoe), or a file of one's own (./aoe.ko)",
      (one: string, before: readonly string[] = []) => [...before, one],
    )
    .addOption(
      new Option(
        "--accel <name>",
        "what runs the guest (default: kvm where it works, else tcg)",
      ).choices(["kvm", "tcg"]),
    )
    .option("-v, --verbose", "print the names of the interfaces")
    .passThroughOptions()
    .enablePositionalOptions()
    .helpCommand(false)
    .addHelpText(
      "after",
      `
The pairs have no IP addresses and carry only the command's traffic. Its environment:
  AOE_LAB_A, AOE_LAB_B  the ends of the first pair: a0, b0
  AOE_LAB_PAIRS         all of them: a0:b0 a1:b1
  AOE_LAB_MTU           their MTU
  AOE_LAB_LATE          with --late: t0. A copy of each frame sent on it reaches b0 at once, through a0;
                        the frame itself stays in the cable while t0 holds frames
With --vm the interfaces a0, a1, … are in the guest, where \`aoe lab guest COMMAND…\` runs.

Example:
  aoe lab --mtu 1500 -- sh -c 'aoe target 7 3 $AOE_LAB_B disk.img & aoe initiator discover --interface $AOE_LAB_A'`,
    )
    .action(async (command: string[], flags: LabFlags) => {
      if (command.length === 0) {
        throw usage("Nothing to run: `aoe lab [options] -- COMMAND…` needs a command.");
      }
      process.exitCode = await runCommand(command, flags);
    });
  lab.addCommand(lateCommand());
  lab.addCommand(guestCommand());
  return lab;
}

async function runCommand(command: string[], flags: LabFlags): Promise<number> {
  const shape: LabShape = {
    ...(flags.mtu === undefined ? {} : { mtu: flags.mtu }),
    ...(flags.pairs === undefined ? {} : { pairs: flags.pairs }),
    late: flags.late === true,
    ...guestOf(flags),
  };
  requireLab(shape);
  if (flags.verbose === true) process.stderr.write(`${describeLab(shape)}\n`);
  const child = Bun.spawn(labCommandLine(command, shape), {
    env: labEnv(shape),
    stdio: ["inherit", "inherit", "inherit"],
  });
  let unmade: number | null = null;
  const passOn = (signal: NodeJS.Signals, tries: number): void => {
    const target = commandOf(child.pid);
    if (target === null) {
      // The lab is not made yet, and its programs would not know what the signal means.
      unmade = 128 + constants.signals[signal];
      child.kill("SIGKILL");
      return;
    }
    if (target === "starting") {
      // For a second at most: a command of that name would start for ever.
      if (tries < 1000) setTimeout(passOn, 1, signal, tries + 1);
      else child.kill("SIGKILL");
      return;
    }
    if ((signal === "SIGINT" || signal === "SIGQUIT") && inForeground()) return;
    try {
      process.kill(target, signal);
    } catch {
      // It ended in the meantime, which is what the signal was for.
    }
  };
  const signals: NodeJS.Signals[] = [
    "SIGINT",
    "SIGTERM",
    "SIGHUP",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
  ];
  const heard = (signal: NodeJS.Signals): void => passOn(signal, 0);
  for (const signal of signals) process.on(signal, heard);
  await child.exited;
  for (const signal of signals) process.off(signal, heard);
  return unmade ?? child.exitCode ?? 137;
}

/**
 * The command's process in the lab whose `unshare` is `unshare`. null: the lab is not made, or is
 * over. "starting": forked, but still the shell's image, which would forget a signal.
 */
export function commandOf(unshare: number): number | "starting" | null {
  const [shell] = childrenOf(unshare);
  // First: what is the shell's child from then on is the command, the oldest, or a guest's QEMU;
  // orphans come later.
  if (shell === undefined || readStat(shell)?.name !== READY) return null;
  const command = childrenOf(shell).find((pid) => readStat(pid)?.name !== QEMU_NAME);
  if (command === undefined) return null;
  return readStat(command)?.name === READY ? "starting" : command;
}

function guestOf({
  vm: nics,
  kernel,
  modules,
  accel,
  module,
  late,
  pairs,
}: LabFlags): Pick<LabShape, "guest"> {
  if (nics === undefined) {
    if ((kernel ?? modules ?? accel ?? module) === undefined) return {};
    throw usage("`--kernel`, `--modules`, `--module` and `--accel` need a guest: `--vm`");
  }
  if (late === true) throw usage("`--late` and `--vm` exclude each other");
  if (pairs !== undefined) throw usage("`--vm` has a pair for each NIC, so it takes no `--pairs`");
  const parts = findParts({
    ...(kernel === undefined ? {} : { kernel }),
    ...(modules === undefined ? {} : { modules }),
    ...(accel === undefined ? {} : { accelerator: accel }),
  });
  return { guest: { nics, parts, extra: module ?? [] } };
}

/** Whether our process group owns the terminal, so that its Ctrl-C reached the command as well. */
function inForeground(): boolean {
  const stat = readStat("self");
  return stat !== null && stat.terminalGroup === stat.group;
}

function guestCommand(): Command {
  return new Command("guest")
    .description("inside `aoe lab --vm`: run a command in the guest")
    .usage("COMMAND…")
    .argument("<command...>", "command to run, with this one's files, environment and directory")
    .passThroughOptions()
    .addHelpText("after", "\nExamples:\n  aoe lab --vm e1000e -- aoe lab guest ip link show a0")
    .action(async (command: string[]) => {
      process.exitCode = await (await import("./vm_guest.ts")).runInGuest(command);
    });
}

function lateCommand(): Command {
  const late = new Command("late")
    .addHelpText(
      "after",
      `
Examples:
  aoe lab --late -- sh -c 'aoe lab late hold; sleep 1; aoe lab late release'`,
    )
    .description("inside `aoe lab --late`: hold or release frames sent on t0")
    .helpCommand(false)
    .action(() => late.help({ error: true }));
  late
    .command("hold")
    .addHelpText(
      "after",
      "\nExamples:\n  aoe lab --late -- sh -c 'aoe lab late hold; sleep 1; aoe lab late release'",
    )
    .description("hold every frame sent from now on")
    .action(async () => (await import("./late.ts")).openLate().hold());
  late
    .command("release")
    .addHelpText("after", "\nExamples:\n  aoe lab late release")
    .description("release all held frames and every later one")
    .action(async () => (await import("./late.ts")).openLate().release());
  late
    .command("drop")
    .addHelpText("after", "\nExamples:\n  aoe lab late drop")
    .description("discard all held frames, then release")
    .action(async () => (await import("./late.ts")).openLate().drop());
  late
    .command("pulse")
    .addHelpText("after", "\nExamples:\n  aoe lab late pulse 5ms every 20ms --for 10s")
    .description("hold for <pause> every <period>, until a signal or the end of --for")
    .argument("<pause>", "a duration, such as 5ms", (text) => parseDuration(text, "PAUSE"))
    .argument("every", "the word itself")
    .argument("<period>", "a duration, such as 20ms", (text) => parseDuration(text, "PERIOD"))
    .option("--for <duration>", "stop after this time", (text) => parseDuration(text, "--for"))
    .action(async (pause: number, word: string, period: number, flags: { for?: number }) => {
      if (word !== "every") throw usage(`Expected \`pulse PAUSE every PERIOD\`, got \`${word}\``);
      const { openLate } = await import("./late.ts");
      const stop = new AbortController();
      const release = onSignals(() => stop.abort());
      const timer =
        flags.for === undefined ? null : setTimeout(() => stop.abort(), flags.for / 1e6);
      await openLate().pulse(pause, period, stop.signal);
      if (timer !== null) clearTimeout(timer);
      release();
    });
  return late;
}
