// Memory whose address holds still: pages of the kernel's, with one view of bytes and one DataView
// made when they are mapped. Rings, iovecs, message headers and transmit frames live here.
//
// Touching a view after `unmap` kills the process, so the caller must own every view into it; a
// mapping that is never unmapped goes with the process, which is fine for what lives as long as that.

import { toArrayBuffer } from "bun:ffi";

import { refused } from "./errno.ts";
import { I64, libc, pointer } from "./libc.ts";

const c = libc({
  mmap: { args: ["ptr", I64, "i32", "i32", "i32", I64], returns: "ptr" },
  getpagesize: { args: [], returns: "i32" },
  munmap: { args: ["ptr", I64], returns: "i32" },
});

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_POPULATE = 0x8000;

/** The unit of mapping: 4 KiB on x86_64, up to 64 KiB on arm64. */
export const PAGE_BYTES = c.getpagesize();

/** Mapped bytes, the same as a DataView, and their address; the shape of link/link.ts's Memory. */
export interface Mapping {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
  /** Gives the pages back. No view into them may be touched afterwards. */
  unmap(): void;
}

/** `bytes` of zeroed private memory (at most 4 GiB). Throws an environment failure where the kernel has none. */
export function mapMemory(bytes: number): Mapping {
  return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1, `can't map ${bytes} bytes of memory`);
}

/** The first `bytes` of what `fd` stands for, a packet ring or a file, shared with the kernel and read in at once. */
export function mapShared(fd: number, bytes: number, offset = 0): Mapping {
  return map(
    bytes,
    MAP_SHARED | MAP_POPULATE,
    fd,
    `can't map ${bytes} bytes of descriptor ${fd}`,
    offset,
  );
}

function map(bytes: number, flags: number, fd: number, attempt: string, offset = 0): Mapping {
  const address: unknown = c.mmap(null, bytes, PROT_READ | PROT_WRITE, flags, fd, offset);
  // MAP_FAILED is 2^64 − 1, which arrives as a BigInt.
  if (typeof address !== "number") throw refused(attempt);
  const buffer = toArrayBuffer(pointer(address), 0, bytes);
  let mapped = true;
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    address,
    unmap() {
      if (!mapped) throw new Error("invariant: memory unmapped twice");
      mapped = false;
      c.munmap(pointer(address), bytes);
    },
  };
}
