// Copies between frames and a caller's memory without an allocation, for the rooms that know no
// addresses: by address where both have one, word by word elsewhere.

import { copyAddressed } from "../sys/memcpy.ts";
import { copy } from "../wire/bytes.ts";
import { copyWords } from "./copy.ts";
import type { Memory } from "./link.ts";

/** Copies `length` bytes; the two ranges don't overlap. */
export function copyMemory(
  from: Memory,
  fromOffset: number,
  to: Memory,
  toOffset: number,
  length: number,
): void {
  if (from.address !== 0 && to.address !== 0) {
    copyAddressed(to.address + toOffset, from.address + fromOffset, length);
  } else if (
    from.plain !== undefined &&
    to.plain !== undefined &&
    ((fromOffset | toOffset | length) & 3) === 0
  ) {
    copyWords(to.plain, toOffset >>> 2, from.plain, fromOffset >>> 2, length >>> 2);
  } else {
    copy(from.view, fromOffset, to.view, toOffset, length);
  }
}
