// Sectors in an array: for tests, simulations and measurements that leave the disk out.

import type { Memory } from "../../link/link.ts";
import { SECTOR } from "../../wire/ata.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import { DONE, type Store } from "./store.ts";

export interface MemoryStore extends Store {
  readonly bytes: Uint8Array;
}

/** `sectors` zeroed sectors; the whole array is taken at once. */
export function createMemoryStore(sectors: number, writable = true): MemoryStore {
  const bytes = new Uint8Array(sectors * SECTOR);
  const memory: Memory = {
    bytes,
    view: new DataView(bytes.buffer),
    address: 0,
    plain: new Uint32Array(bytes.buffer),
  };
  return {
    bytes,
    sectors,
    writable,
    asynchronous: false,
    synchronous: true,
    good: 0,
    read(lba, count, into, offset) {
      copyMemory(memory, lba * SECTOR, into, offset, count * SECTOR);
      return DONE;
    },
    write(lba, count, from, offset) {
      copyMemory(from, offset, memory, lba * SECTOR, count * SECTOR);
      return DONE;
    },
    flush: () => DONE,
    poll() {},
    close() {},
  };
}
