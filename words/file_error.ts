// What the system says when it refuses a file, in words for the user.
//
// A file that can't be read or written, at the start or when its disk is full, is the environment's fault: 5.

import { environment, type Failure } from "./failure.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left there",
  EDQUOT: "no space is left there",
  ENOENT: "no such file or directory",
  ENOTDIR: "what should be its directory is a file",
  EISDIR: "it is a directory",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
  EFBIG: "it is too large for its file system",
  EPIPE: "its reader is gone",
  ENXIO: "nobody reads that FIFO",
};

export function fileReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? message;
}

/** `what` names the file and its part: `the result a.json`. */
export function cantRead(what: string, error: unknown): Failure {
  return environment(`Can't read ${what}: ${fileReason(error)}`);
}

/** As `cantRead`; `more` follows the reason. */
export function cantWrite(what: string, error: unknown, more = ""): Failure {
  return environment(`Can't write ${what}: ${fileReason(error)}${more}`);
}
