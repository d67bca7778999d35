#!/usr/bin/env bun
// The command line: one subcommand per directory, loaded only when it is named.
//
// `aoe target` must not pay for what the bench needs, so this file imports commander, the words, and
// nothing else; the list of all subcommands is text. How every command ends is decided here:
//
//   Failure (words/failure.ts)     its sentence on stderr, its exit code
//   commander's usage errors       commander's sentence, 2 (commander's own code would be 1)
//   anything else                  a fault of ours: one line, 1; the stack with AOE_DEBUG=1
//   SIGHUP, SIGINT, SIGTERM        129, 130, 143, unless the command handles the signal itself (words/signals.ts)
//   stdout closed (`aoe … | head`) 141, as a program without handlers would end by SIGPIPE
//   stdout full (a disk, a quota)  one sentence, 5
//   stderr closed or full          nothing: the command goes on, and ends as it would

import { readFileSync } from "node:fs";

import { Command, CommanderError } from "commander";

import manifest from "./package.json" with { type: "json" };
import { SIGNALS } from "./words/signals.ts";
import { describeFault, environment, EXIT, Failure, stackOf, usage } from "./words/failure.ts";

interface Room {
  readonly name: string;
  readonly summary: string;
  /** Not for people. */
  readonly hidden?: true;
  readonly load: () => Promise<Command>;
}

const ROOMS: readonly Room[] = [
  {
    name: "target",
    summary: "serve images and disks over ATA over Ethernet",
    load: async () => (await import("./target/commands.ts")).targetCommand(),
  },
  {
    name: "initiator",
    summary: "discover, read, write and verify devices",
    load: async () => (await import("./initiator/commands.ts")).initiatorCommand(),
  },
  {
    name: "bench",
    summary: "measure targets, initiators and the buffer pool",
    load: async () => {
      const bench = (await import("./bench/commands.ts")).benchCommand();
      for (const command of (await import("./testing/commands.ts")).testingCommands()) {
        bench.addCommand(command);
      }
      return bench;
    },
  },
  {
    name: "lab",
    summary: "run a command in its own network namespace, without root",
    load: async () => (await import("./lab/commands.ts")).labCommand(),
  },
  {
    name: "decode",
    summary: "print the frames of a capture file",
    load: async () => (await import("./decode/decode.ts")).decodeCommand(),
  },
  {
    name: "completion",
    summary: "print what makes a shell complete command lines",
    load: async () => (await import("./shell/commands.ts")).completionCommand(),
  },
  {
    name: "complete",
    summary: "answer a shell",
    hidden: true,
    load: async () => (await import("./shell/commands.ts")).completeCommand(makeProgram),
  },
  {
    name: "man",
    summary: "print the manual page of a command",
    load: async () => (await import("./shell/commands.ts")).manCommand(makeProgram),
  },
];

/** With the commands of the directory `named`; null: of all directories. */
async function makeProgram(named: string | null | undefined): Promise<Command> {
  const program = new Command("aoe")
    .description(manifest.description)
    .version(manifest.version, "-V, --version")
    .helpCommand(false)
    .enablePositionalOptions()
    .showSuggestionAfterError(true);
  for (const { name, summary, hidden = false, load } of ROOMS) {
    if (name === named || (named === null && !hidden)) {
      program.addCommand((await load()).summary(summary), { hidden });
    } else program.command(name, { hidden }).summary(summary);
  }
  throwInsteadOfExit(program);
  return program;
}

/** A command that was added doesn't inherit this setting, so each gets it. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) throwInsteadOfExit(child);
}

/** Says on stderr what went wrong and returns the exit code for it. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (error instanceof Failure) {
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  process.stderr.write(`aoe: ${describeFault(error)}\n${stackOf(error)}`);
  return EXIT.failed;
}

/** A signal has come. */
let asked = false;

function endOnSignals(): void {
  // As nohup means it; a shell that ignores SIGINT for what it runs in the background is overruled.
  const [, ignored = "0"] = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readSelf("status")) ?? [];
  const hangsUp = Number.parseInt(ignored.slice(-1), 16) % 2 === 0;
  for (const [signal, code] of Object.entries(SIGNALS)) {
    if (signal === "SIGHUP" && !hangsUp) continue;
    process.on(signal, () => {
      asked = true;
      // A command that listens too has taken over: a target answers what is in hand first.
      if (process.listenerCount(signal) === 1) process.exit(code);
    });
  }
}

function readSelf(file: string): string {
  try {
    return readFileSync(`/proc/self/${file}`, "latin1");
  } catch {
    return "";
  }
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(141);
  process.exit(report(environment(`Cannot write standard output: ${error.message}`)));
});
// Nobody hears what is said there any more, which is no reason to end.
process.stderr.on("error", () => {});
process.on("uncaughtException", (error) => process.exit(report(error)));
process.on("unhandledRejection", (error) => process.exit(report(error)));
endOnSignals();
const script = process.env["npm_lifecycle_script"] ?? "";
if (/\baoe\b/.test(script)) {
  const { watchRunner } = await import("./sys/runner.ts");
  watchRunner(script, process.env["npm_node_execpath"] ?? "", () => {
    // Not a second one where a terminal's signal has reached us all.
    if (!asked) process.kill(process.pid, "SIGTERM");
  });
}

/** Bun makes another name of one that is not UTF-8, and a target would make that file. */
async function refuseOtherEncodings(words: readonly string[]): Promise<void> {
  if (!words.some((word) => word.includes("\uFFFD"))) return;
  const { findOtherEncoding } = await import("./words/utf8.ts");
  const word = findOtherEncoding(readFileSync("/proc/self/cmdline"));
  if (word !== null) throw usage(`Expected every word to be UTF-8, got \`${word}\``);
}

const [first, ...others] = process.argv.slice(2);
// `aoe help bench run` is `aoe bench run --help`.
const words = first === "help" ? [...others, "--help"] : process.argv.slice(2);
try {
  await refuseOtherEncodings(words);
  // No option of the program's own takes a value, so the first word that is none is the subcommand.
  const program = await makeProgram(words.find((word) => !word.startsWith("-")));
  await program.parseAsync(words, { from: "user" });
} catch (error) {
  process.exitCode = report(error);
}
