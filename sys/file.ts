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
  openSync,
  readFileSync,
  readSync,
  statfsSync,
  statSync,
  writeSync,
} from "node:fs";

import { EOPNOTSUPP, EPERM, errno } from "./errno.ts";
import { I64, libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  pread: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  pwrite: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  // Bun's own takes less than 2^52.
  ftruncate: { args: ["i32", I64], returns: "i32" },
  fdatasync: { args: ["i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  lseek: { args: ["i32", I64, "i32"], returns: I64 },
});

/** readv without waiting came with glibc 2.26 and musl 1.2.5. */
const nowait = optional();

function optional() {
  try {
    return libc({
      preadv2: { args: ["i32", "ptr", "i32", I64, "i32"], returns: "i32" },
    });
  } catch {
    return null;
  }
}

const RWF_NOWAIT = 0x8;
/** One struct iovec: address, length. */
const iovec = mapMemory(16);

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
  /** Fails with -EEXIST where the file is there. */
  readonly exclusive?: boolean;
}

/** A descriptor, or -errno. Never blocks on a FIFO. */
export function openFile(path: string, flags: OpenFlags): number {
  let bits = flags.write ? constants.O_RDWR : constants.O_RDONLY;
  bits |= constants.O_NONBLOCK | constants.O_NOCTTY;
  if (flags.direct) bits |= constants.O_DIRECT;
  if (flags.sync) bits |= constants.O_DSYNC;
  if (flags.create) bits |= constants.O_CREAT;
  if (flags.exclusive) bits |= constants.O_EXCL;
  const fd = openWith(path, bits | constants.O_NOATIME);
  // Only an owner may leave the time of access alone, which spares each read a look at the inode.
  return fd === -EPERM ? openWith(path, bits) : fd;
}

function openWith(path: string, bits: number): number {
  try {
    return openSync(path, bits, 0o644);
  } catch (error) {
    return codeOf(error);
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
      return codeOf(error);
    }
  }
  const read = c.pread(fd, pointer(memory.address + at), length, position);
  return read < 0 ? -errno() : read;
}

/**
 * `readAt` of what is in memory already: -EAGAIN where some of it is not (or fewer bytes), -EOPNOTSUPP
 * where the file system can't tell. `memory` has an address.
 */
export function readCachedAt(
  fd: number,
  memory: Bytes,
  at: number,
  length: number,
  position: number,
): number {
  if (nowait === null) return -EOPNOTSUPP;
  const address = memory.address + at;
  iovec.view.setUint32(0, address % 0x1_0000_0000, true);
  iovec.view.setUint32(4, Math.floor(address / 0x1_0000_0000), true);
  iovec.view.setUint32(8, length, true);
  const read = nowait.preadv2(fd, pointer(iovec.address), 1, position, RWF_NOWAIT);
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
      return codeOf(error);
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
  return c.ftruncate(fd, bytes) < 0 ? -errno() : 0;
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

/** What O_DIRECT wants of memory addresses and of offsets and lengths, in bytes. */
export interface DirectAlignment {
  readonly memory: number;
  readonly offset: number;
}

/**
 * From statx(2), Linux 6.1 and later: the alignment, null where the file can't do O_DIRECT, undefined
 * where the kernel can't say.
 */
export function directAlignment(fd: number): DirectAlignment | null | undefined {
  const AT_EMPTY_PATH = 0x1000;
  const STATX_DIOALIGN = 0x2000;
  const MASK = 0;
  const MEMORY_ALIGN = 152;
  const OFFSET_ALIGN = 156;
  const answer = mapMemory(256);
  try {
    const empty = new Uint8Array(1);
    const c = libc({ statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" } });
    if (c.statx(fd, empty, AT_EMPTY_PATH, STATX_DIOALIGN, answer.bytes) < 0) return undefined;
    if ((answer.view.getUint32(MASK, true) & STATX_DIOALIGN) === 0) return undefined;
    const memory = answer.view.getUint32(MEMORY_ALIGN, true);
    const offset = answer.view.getUint32(OFFSET_ALIGN, true);
    return memory === 0 || offset === 0 ? null : { memory, offset };
  } finally {
    answer.unmap();
  }
}

/** Whether the file lives in memory (tmpfs, ramfs), where no read waits for a disk. */
export function isInMemory(path: string): boolean {
  const TMPFS = 0x0102_1994;
  const RAMFS = 0x8584_58f6;
  try {
    const { type } = statfsSync(path);
    return type === TMPFS || type === RAMFS;
  } catch {
    return false;
  }
}

/** Descriptors that this process may have open at one time. */
export function mostDescriptors(): number {
  const limits = readFileSync("/proc/self/limits", "utf8");
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1]);
  return Number.isFinite(soft) ? soft : 1024;
}

const LOCK_SHARED = 1;
const LOCK_EXCLUSIVE = 2;
const LOCK_NO_WAIT = 4;
const UNLOCK = 8;

/** Takes the whole file, alone or beside other readers, until it is closed: 0, or -EAGAIN where another holds it. */
export function lockFile(fd: number, exclusive: boolean): number {
  const how = (exclusive ? LOCK_EXCLUSIVE : LOCK_SHARED) | LOCK_NO_WAIT;
  return c.flock(fd, how) < 0 ? -errno() : 0;
}

export function unlockFile(fd: number): void {
  c.flock(fd, UNLOCK);
}

/** Whether `path` leads to the file that is open. */
export function isStillAt(fd: number, path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  const ours = fstatSync(fd);
  return there?.dev === ours.dev && there.ino === ours.ino;
}

/** -errno of what node:fs threw; anything that is no refusal of the kernel goes on. */
export function codeOf(error: unknown): number {
  const code = (error as { errno?: unknown }).errno;
  if (typeof code !== "number") throw error;
  return code < 0 ? code : -code;
}
