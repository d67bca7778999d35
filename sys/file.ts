// Files and block devices by descriptor, at byte offsets. Nothing here throws for what the kernel may
// refuse: every call returns -errno, since a store's failure is an answer to a client and not an exception.
//
// What runs per frame (readAt, writeAt) goes through the C library by address, so that a sector moves
// from the page cache straight into a transmit buffer. Memory without an address (a plain array of the
// memory link) takes node:fs instead, as do the calls that run once per file.

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";

import { errno } from "./errno.ts";
import { I64, libc, pointer } from "./libc.ts";

const c = libc({
  pread: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  pwrite: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  fdatasync: { args: ["i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  lseek: { args: ["i32", I64, "i32"], returns: I64 },
});

/** Bytes that a call reads into or writes from; `address` is 0 where they are a plain array. */
export interface Bytes {
  readonly bytes: Uint8Array;
  readonly address: number;
}

export interface OpenFlags {
  readonly write?: boolean;
  /** O_DIRECT: past the page cache. Offsets, lengths and addresses must then be aligned. */
  readonly direct?: boolean;
  /** O_DSYNC: a write returns when its data are durable. */
  readonly sync?: boolean;
  readonly create?: boolean;
}

/** A descriptor, or -errno. Never blocks on a FIFO. */
export function openFile(path: string, flags: OpenFlags): number {
  let bits = flags.write ? constants.O_RDWR : constants.O_RDONLY;
  bits |= constants.O_NONBLOCK | constants.O_NOCTTY;
  if (flags.direct) bits |= constants.O_DIRECT;
  if (flags.sync) bits |= constants.O_DSYNC;
  if (flags.create) bits |= constants.O_CREAT;
  try {
    return openSync(path, bits, 0o644);
  } catch (error) {
    return failure(error);
  }
}

export function closeFile(fd: number): void {
  closeSync(fd);
}

/** Reads `length` bytes from `position` to `memory[at]`: how many came (fewer at the end of the file), or -errno. */
export function readAt(
  fd: number,
  memory: Bytes,
  at: number,
  length: number,
  position: number,
): number {
  if (memory.address === 0) {
    try {
      return readSync(fd, memory.bytes, at, length, position);
    } catch (error) {
      return failure(error);
    }
  }
  const read = c.pread(fd, pointer(memory.address + at), length, position);
  return read < 0 ? -errno() : read;
}

/** Writes `length` bytes of `memory[at]` to `position`: how many went, or -errno. */
export function writeAt(
  fd: number,
  memory: Bytes,
  at: number,
  length: number,
  position: number,
): number {
  if (memory.address === 0) {
    try {
      return writeSync(fd, memory.bytes, at, length, position);
    } catch (error) {
      return failure(error);
    }
  }
  const written = c.pwrite(fd, pointer(memory.address + at), length, position);
  return written < 0 ? -errno() : written;
}

/** Makes what was written durable: 0 or -errno. After a failure a second call may succeed falsely. */
export function syncFile(fd: number): number {
  return c.fdatasync(fd) < 0 ? -errno() : 0;
}

/** Sets the length in bytes, as a hole where it grows: 0 or -errno. */
export function resizeFile(fd: number, bytes: number): number {
  try {
    ftruncateSync(fd, bytes);
    return 0;
  } catch (error) {
    return failure(error);
  }
}

export type FileKind = "file" | "block" | "directory" | "fifo" | "socket" | "character";

export function fileKind(fd: number): FileKind {
  const stat = fstatSync(fd);
  if (stat.isFile()) return "file";
  if (stat.isBlockDevice()) return "block";
  if (stat.isDirectory()) return "directory";
  if (stat.isFIFO()) return "fifo";
  return stat.isSocket() ? "socket" : "character";
}

/** Bytes of a file or block device, or -errno. */
export function fileSize(fd: number): number {
  const SEEK_END = 2;
  const size = Number(c.lseek(fd, 0, SEEK_END));
  return size < 0 ? -errno() : size;
}

const LOCK_SHARED = 1;
const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;

/** Takes the whole file, alone or beside other readers, until it is closed: 0, or -EAGAIN where another holds it. */
export function lockFile(fd: number, exclusive: boolean): number {
  const how = (exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED) | LOCK_NO_WAIT;
  return c.flock(fd, how) < 0 ? -errno() : 0;
}

/** -errno of what node:fs threw; anything that is no refusal of the kernel goes on. */
function failure(error: unknown): number {
  const code = (error as { errno?: unknown }).errno;
  if (typeof code !== "number") throw error;
  return code < 0 ? code : -code;
}
