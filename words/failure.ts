// Failures that a user may cause or meet: one sentence, one exit code, no stack.
//
// A Failure is thrown by whatever finds the fault and is printed once, by aoe.ts, on stderr.
// Whatever else is thrown is a fault of ours and keeps its stack (shown with AOE_DEBUG=1).
// Malformed frames are neither: they are values (wire/).

import { printable } from "./printable.ts";

/** Exit codes of every command; those after a signal stand in signals.ts. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  threshold: 3,
  inconclusive: 4,
  environment: 5,
  notFound: 6,
} as const;

/**
 * An expected failure: `message` is one sentence for the user, `exitCode` one of EXIT. What a sentence quotes
 * may come from a file, a wire or another program: line ends become blanks, the rest printable.
 */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(printable(message.trim().replaceAll(/\s*\n\s*/g, " ")), options);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** It ran and failed: verify mismatch, I/O error from the target, timeout, a failed trial. */
export function failed(message: string): Failure {
  return new Failure(message, EXIT.failed);
}

/** Unknown or bad option, bad configuration file. */
export function usage(message: string): Failure {
  return new Failure(message, EXIT.usage);
}

/** The environment can't do it: no such interface, no permission, a needed program absent. */
export function environment(message: string): Failure {
  return new Failure(message, EXIT.environment);
}

/** No such device answered. */
export function notFound(message: string): Failure {
  return new Failure(message, EXIT.notFound);
}

/** What is thrown and is no Failure, a fault of ours, in one line. */
export function describeFault(error: unknown): string {
  const line = error instanceof Error ? error.message : String(error);
  const hint = isDebugging() ? "" : " (a fault in this program; AOE_DEBUG=1 shows where)";
  return `${printable(line.replaceAll("\n", " "))}${hint}`;
}

/** Where it was thrown, with AOE_DEBUG=1; "" otherwise. */
export function stackOf(error: unknown): string {
  return isDebugging() && error instanceof Error ? `${error.stack ?? ""}\n` : "";
}

function isDebugging(): boolean {
  return process.env["AOE_DEBUG"] === "1";
}

/**
 * The usage failure for a value that breaks a rule.
 * `expected("--lanes", "an integer >= 1", "0")` says
 * ``Expected `--lanes` to be an integer >= 1, got `0` ``: `rule` follows the words "to be".
 */
export function expected(what: string, rule: string, got: unknown): Failure {
  return usage(`Expected \`${what}\` to be ${rule}, got \`${printable(String(got))}\``);
}
