// What stands where something is to be written.

import { type Stats, statSync } from "node:fs";

import { cantWrite } from "../../words/file_error.ts";

/** What is at `name`; null: nothing. Throws a Failure where it can't be told. */
export function lookAt(name: string): Stats | null {
  try {
    return statSync(name, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw cantWrite(name, error);
  }
}
