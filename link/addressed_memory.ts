// Memory with an address of its own for a caller's data, so that copies to and from frames go by
// memcpy: for the rooms that don't import sys/.

import { mapMemory } from "../sys/memory.ts";
import type { Memory } from "./link.ts";

export interface AddressedMemory extends Memory {
  /** Gives it back; the views are dead from then on. */
  unmap(): void;
}

/** `bytes` zero bytes. */
export function addressedMemory(bytes: number): AddressedMemory {
  return mapMemory(bytes);
}
