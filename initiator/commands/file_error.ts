// What the system says when it refuses a file, in words for the user.

import { type Stats, statSync } from "node:fs";

import { failed, type Failure } from "../../words/failure.ts";

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left there",
  EDQUOT: "no space is left there",
  ENOENT: "no such file or directory",
  ENOTDIR: "what should be its directory is a file",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "the file system is read-only",
  EFBIG: "it is too large for its file system",
  EPIPE: "its reader is gone",
};

export function fileReason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return REASONS[code ?? ""] ?? message;
}

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
