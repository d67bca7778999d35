// The files that a command was asked to write. Where one can't be written is told before anything runs: minutes of
// trials must not end in "no such folder". What is there already (a device, a FIFO) is written into, never replaced.

import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import { printableJson } from "../../words/printable.ts";
import { widthOf } from "../../words/table.ts";

/** Throws the environment Failure that says why `path` can't be written; undefined: nothing was asked for. */
export function checkOutput(path: string | undefined): void {
  if (path === undefined) return;
  try {
    const exists = existsSync(path);
    accessSync(exists ? path : dirname(path), constants.W_OK);
    if (statSync(exists ? path : dirname(path)).isDirectory() === exists) {
      throw new Error(exists ? "it is a folder" : `${dirname(path)} is no folder`);
    }
  } catch (error) {
    throw cantWrite(path, error);
  }
}

export function writeOutput(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw cantWrite(path, error);
  }
}

export interface OutputFlags {
  readonly json?: boolean;
  readonly output?: string;
}

/** A result for people, as JSON on stdout where that was asked for, and in a file. */
export function publish(
  result: unknown,
  describe: (width: number) => string,
  { json = false, output }: OutputFlags,
): void {
  const text = `${printableJson(result)}\n`;
  const people = json ? process.stderr : process.stdout;
  people.write(describe(widthOf(people)));
  if (json) process.stdout.write(text);
  // Last: a disk that is full by now must not cost the figures.
  if (output !== undefined) writeOutput(output, text);
}

/** Writes each that can be written; a sentence for each that can't. What is not given is not written. */
export function writeBeside(
  outputs: readonly (readonly [path: string | undefined, text: () => string])[],
): string[] {
  const sentences: string[] = [];
  for (const [path, text] of outputs) {
    if (path === undefined) continue;
    try {
      writeOutput(path, text());
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      sentences.push(error.message);
    }
  }
  return sentences;
}
