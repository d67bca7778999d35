// Whether somebody on this host captures what an interface sends: a packet socket for all protocols, which is what
// libpcap opens, listed in the file `packet` of the network namespace.
//
//   sk       RefCnt Type Proto  Iface R Rmem   User   Inode
//   …        3      3    0003   2     1 0      0      12345        Proto hexadecimal, Iface 0: all of them
//
// Sockets for one protocol (a target's or an initiator's own) are not shown what is sent.

import { I64, libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";

const c = libc({
  open: { args: ["ptr", "i32"], returns: "i32" },
  pread: { args: ["i32", "ptr", I64, I64], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

/** Of the calling thread's own namespace, which need not be the process's. */
const LIST = Buffer.from("/proc/thread-self/net/packet\0");
const O_CLOEXEC = 0x80000;
/** The kernel hands out whole lines, a page at most a call. */
const BYTES = 65_536;
const LINE_END = 0x0a;
const SPACE = 0x20;
const ETH_P_ALL = 3;
const PROTOCOL = 3;
const INTERFACE = 4;

export interface Captures {
  /** Whether there is one on interface `index` now; true where that can't be told. Some 10 µs, no allocation. */
  any(index: number): boolean;
  close(): void;
}

/** Of the calling thread's network namespace; null where there is no such list. */
export function openCaptures(): Captures | null {
  const fd = c.open(LIST, O_CLOEXEC);
  if (fd < 0) return null;
  const memory = map();
  if (memory === null) {
    c.close(fd);
    return null;
  }
  return {
    any(index) {
      for (let at = 0; ;) {
        const length = c.pread(fd, pointer(memory.address), BYTES, at);
        if (length < 0) return true;
        if (length === 0) return false;
        if (listed(memory.bytes, length, index)) return true;
        at += length;
      }
    },
    close() {
      c.close(fd);
      memory.unmap();
    },
  };
}

function map(): Mapping | null {
  try {
    return mapMemory(BYTES);
  } catch {
    return null;
  }
}

/** Whether one of the lines of `length` bytes is of a socket that captures on interface `index`. */
export function listed(bytes: Uint8Array, length: number, index: number): boolean {
  let field = -1;
  let inField = false;
  let protocol = 0;
  let bound = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === LINE_END) {
      // The head has no number there: `Proto` reads as something else than 3.
      if (protocol === ETH_P_ALL && (bound === 0 || bound === index)) return true;
      field = -1;
      inField = false;
      protocol = bound = 0;
    } else if (byte === SPACE) {
      inField = false;
    } else {
      if (!inField) field++;
      inField = true;
      if (field === PROTOCOL) protocol = protocol * 16 + digit(byte);
      else if (field === INTERFACE) bound = bound * 10 + digit(byte);
    }
  }
  return false;
}

/** Of a hexadecimal number in ASCII; 255 for anything else. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : 255;
}
