// What sendmsg(2) sends: a frame gathered from a few places.
//
//   struct msghdr @0    parts' address @16, their count @24
//   struct iovec @64    address and length of the first part, @80 of the second, and so on
//
// 64-bit fields are written as two words; the heads of lengths stay zero. A message is over when its call is, so one
// serves any number of sockets of a thread.

import type { Pointer } from "bun:ffi";
import { pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const PARTS = 64;
const PART = 16;
/** What the upper word of an address counts. */
const HIGH = 0x1_0000_0000;

export interface Message {
  readonly address: Pointer;
  /** `part` (from 0) is the `length` bytes at `address`. */
  put(part: number, address: number, length: number): void;
  /** So many parts are sent. */
  size(parts: number): void;
}

/** Room for `most` parts; all of them are sent until `size` says otherwise. */
export function createMessage(most: number): Message {
  const memory = mapMemory(PARTS + most * PART);
  const words = new Uint32Array(memory.bytes.buffer, 0, (PARTS + most * PART) / 4);
  memory.view.setBigUint64(16, BigInt(memory.address + PARTS), true);
  words[6] = most;
  return {
    address: pointer(memory.address),
    put(part, address, length) {
      const word = (PARTS + part * PART) / 4;
      words[word] = address % HIGH;
      words[word + 1] = address / HIGH;
      words[word + 2] = length;
    },
    size(parts) {
      words[6] = parts;
    },
  };
}
