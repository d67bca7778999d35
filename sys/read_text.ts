// The text of a file that a user names. Only of a regular file: a FIFO without a writer would hold up everything
// that the target serves, and a device has no end.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

import { cantRead } from "../words/file_error.ts";
import { decodeUtf8 } from "../words/utf8.ts";
import { BUILT_IN, ROOT } from "./root.ts";

/** Bytes of the longest: a trace of a million durations is a tenth of it. */
export const LONGEST_TEXT = 64 * 2 ** 20;

/**
 * `what` names the file's part, as in `the configuration`. Throws an environment Failure where the file can't be
 * read, and a usage Failure where it is not UTF-8.
 */
export function readText(path: string, what: string): string {
  let bytes: Uint8Array;
  try {
    bytes = readRegular(path);
  } catch (error) {
    throw cantRead(`${what} ${path}`, error);
  }
  return decodeUtf8(bytes, path);
}

/** Throws the kernel's refusal, or an Error that says what is wrong. `flags` beside those of a look at a regular file. */
export function readRegular(path: string, flags = 0): Uint8Array {
  // What is built into an executable has no descriptor.
  if (BUILT_IN && path.startsWith(ROOT)) return readFileSync(path);
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | flags);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error("it must be a regular file");
    if (stat.size > LONGEST_TEXT) {
      throw new Error(`it must have at most ${LONGEST_TEXT} bytes, and has ${stat.size}`);
    }
    return readFileSync(fd);
  } finally {
    closeSync(fd);
  }
}
