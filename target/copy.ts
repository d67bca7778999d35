// Copies between frames without an allocation: by address where both have one, word by word elsewhere.

import type { Memory } from "../link/link.ts";
import { copyAddressed } from "../sys/memcpy.ts";
import { copy } from "../wire/bytes.ts";

/** Copies `length` bytes; the two ranges don't overlap. */
export function copyBytes(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): void {
  if (from.address !== 0 && to.address !== 0) {
    copyAddressed(to.address + toOffset, from.address + fromOffset, length);
  } else {
    copy(from.view, fromOffset, to.view, toOffset, length);
  }
}
