// What ends a command that can't write a file: it ran and failed, so 1.

import { type Stats, statSync } from "node:fs";

import { failed, type Failure } from "../../words/failure.ts";
import { fileReason } from "../../words/file_error.ts";

/** `more` follows the reason. */
export function cantWrite(name: string, error: unknown, more = ""): Failure {
  return failed(`Can't write ${name}: ${fileReason(error)}${more}`);
}

/** What is at `name`, where something is to be written; null: nothing. Throws a Failure where it can't be told. */
export function lookAt(name: string): Stats | null {
  try {
    return statSync(name, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw cantWrite(name, error);
  }
}
