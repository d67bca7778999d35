// A file's pages in this process's address space, which the kernel alone touches.
//
//   read    a send whose data stand at `address`                         page cache ─▶ frame: one copy
//   write   payload ─ memcpy ─▶ staging (memfd) ─ pread to `address` ─▶ page cache
//
// A load or store of our own on a page that is gone (the file was cut, its disk fails or is full) would be SIGBUS, the
// end of the process. A system call that copies from or to it fails instead, with EFAULT or short: then the caller
// takes the way that tells the errno. So there is no view of these bytes, and `address` is for system calls only.
//
// Measured against pread and pwrite of cached pages (512, 4096, 8192 bytes, ns): a read costs 420, 550, 790 where
// it cost 840, 1190, 1560; a write to ext4 530, 570, 870 where it cost 790, 1370, 2030.

import { closeSync } from "node:fs";

import { errno } from "./errno.ts";
import { resizeFile } from "./file.ts";
import { I64, libc, pointer } from "./libc.ts";
import { copyAddressed } from "./memcpy.ts";
import { type Mapping, mapShared } from "./memory.ts";

const c = libc({
  mmap: { args: ["ptr", I64, "i32", "i32", "i32", I64], returns: "ptr" },
  munmap: { args: ["ptr", I64], returns: "i32" },
  pread: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i32"], returns: "i32" },
});

/** memfd_create came with glibc 2.27 and musl 1.1.20. */
const optional = find();

function find() {
  try {
    return libc({ memfd_create: { args: ["ptr", "u32"], returns: "i32" } });
  } catch {
    return null;
  }
}

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MFD_CLOEXEC = 1;
const F_SETFL = 4;
const O_NOATIME = 0x40000;
/** More than the 255 sectors of the largest command. */
const STAGING_BYTES = 131_072;

interface Staging {
  readonly fd: number;
  readonly memory: Mapping;
}

/** One per thread: a write is over when its call is. Null: not asked for yet, or refused. */
let staging: Staging | null = null;
let refused = false;

function stage(): Staging | null {
  if (staging !== null || refused || optional === null) return staging;
  const fd = optional.memfd_create(Buffer.from("aoe staging\0"), MFD_CLOEXEC);
  refused = true;
  if (fd < 0) return null;
  if (resizeFile(fd, STAGING_BYTES) === 0) {
    try {
      // Nobody asks when it was last read, and to note it takes 524 ns of a read to 613.
      c.fcntl(fd, F_SETFL, O_NOATIME);
      staging = { fd, memory: mapShared(fd, STAGING_BYTES) };
      return staging;
    } catch {}
  }
  closeSync(fd);
  return null;
}

export interface MappedFile {
  /** Of the file's first byte; for system calls that copy, never to be read or written here. */
  readonly address: number;
  readonly bytes: number;
  /** Copies `length` bytes at `from` to `position`; how many went, or -errno: some may have gone all the same. */
  write(from: number, length: number, position: number): number;
  unmap(): void;
}

/** The first `bytes` of the file; null where it can't be mapped. `writable`: `fd` is open for writing. */
export function mapFile(fd: number, bytes: number, writable: boolean): MappedFile | null {
  const protection = writable ? PROT_READ | PROT_WRITE : PROT_READ;
  const address: unknown = c.mmap(null, bytes, protection, MAP_SHARED, fd, 0);
  if (typeof address !== "number") return null;
  return {
    address,
    bytes,
    write(from, length, position) {
      const { fd: source, memory } = stage() ?? NONE;
      if (source < 0 || length > STAGING_BYTES) return 0;
      copyAddressed(memory.address, from, length);
      const put = c.pread(source, pointer(address + position), length, 0);
      return put < 0 ? -errno() : put;
    },
    unmap() {
      c.munmap(pointer(address), bytes);
    },
  };
}

const NONE = { fd: -1, memory: { address: 0 } };
