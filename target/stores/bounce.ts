// Aligned memory for O_DIRECT, and memory with an address for what the kernel does beside the loop: taken
// for one operation, shared by all stores, so that an export without traffic has none.

import { type Mapping, mapMemory } from "../../sys/memory.ts";

/** A page, which no O_DIRECT asks more than. */
const SMALLEST = 4096;

/** Spare buffers by size: powers of two from a page on. */
const spare = new Map<number, Mapping[]>();

/** At least `bytes`, page-aligned, with any content; `giveBounce` when the operation is over. */
export function takeBounce(bytes: number): Mapping {
  let size = SMALLEST;
  while (size < bytes) size *= 2;
  return spare.get(size)?.pop() ?? mapMemory(size);
}

export function giveBounce(bounce: Mapping): void {
  const list = spare.get(bounce.bytes.length);
  if (list === undefined) spare.set(bounce.bytes.length, [bounce]);
  else list.push(bounce);
}
