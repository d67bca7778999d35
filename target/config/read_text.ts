// The text of a file that a user names. Only of a regular file: a FIFO without a writer would hold up everything
// that the target serves, and a device has no end.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";

/** Bytes of the longest: a trace of a million durations is a tenth of it. */
export const LONGEST_TEXT = 64 * 2 ** 20;

/** Throws an Error whose message says why not: a code of the kernel's, or what is wrong with the file. */
export function readText(path: string): string {
  const fd = open(path);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error("it must be a regular file");
    if (stat.size > LONGEST_TEXT) {
      throw new Error(`it must have at most ${LONGEST_TEXT} bytes, and has ${stat.size}`);
    }
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw new Error((error as NodeJS.ErrnoException).code ?? String(error), { cause: error });
  }
}
