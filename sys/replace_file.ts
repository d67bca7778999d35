// A file replaced so that a crash at any moment leaves it as it was or as it is to be:
//
//   remove FILE.new ─▶ make FILE.new ─▶ write ─▶ fsync ─▶ rename over FILE ─▶ fsync the directory
//
// FILE.new is made, never opened: a link or a FIFO that somebody put there is removed, not followed. What a crash left
// of it is never read.

import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";

import { ENOENT } from "./errno.ts";
import { codeOf } from "./file.ts";

/** The calls that it takes: node:fs, or a test's model of a disk that crashes. */
export interface FileCalls {
  readonly openSync: (path: string, flags: number, mode?: number) => number;
  readonly writeSync: (fd: number, bytes: Uint8Array, from: number) => number;
  readonly fsyncSync: (fd: number) => void;
  readonly closeSync: (fd: number) => void;
  readonly renameSync: (from: string, to: string) => void;
  readonly unlinkSync: (path: string) => void;
}

const CALLS: FileCalls = { openSync, writeSync, fsyncSync, closeSync, renameSync, unlinkSync };
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY } = constants;

/** 0 once the file holds `bytes`, durably, else -errno: it is as it was. Waits for the disk, twice. */
export function replaceFile(path: string, bytes: Uint8Array, calls: FileCalls = CALLS): number {
  const fresh = `${path}.new`;
  try {
    const left = remove(fresh, calls);
    if (left !== 0 && left !== -ENOENT) return left;
    const file = calls.openSync(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      for (let done = 0; done < bytes.length;) done += calls.writeSync(file, bytes, done);
      calls.fsyncSync(file);
    } finally {
      calls.closeSync(file);
    }
    calls.renameSync(fresh, path);
    const folder = calls.openSync(dirname(path), O_RDONLY);
    try {
      calls.fsyncSync(folder);
    } finally {
      calls.closeSync(folder);
    }
    return 0;
  } catch (error) {
    remove(fresh, calls);
    return codeOf(error);
  }
}

function remove(path: string, calls: FileCalls): number {
  try {
    calls.unlinkSync(path);
    return 0;
  } catch (error) {
    return codeOf(error);
  }
}
