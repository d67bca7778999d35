// Transmit buffers whose addresses hold still: pages mapped a chunk at a time and cut into buffers,
// one free list per size. Memory goes back to the system only when the arena is closed, so that an
// allocation after the first is a pop: what a kernel's slab does for skbs.
//
//   chunk, 256 KiB or one buffer   [ buffer | buffer | … | unused ]      buffers start on cache lines

import { mapMemory, type Mapping } from "../sys/memory.ts";
import type { TxBuffer } from "./link.ts";

const CHUNK_BYTES = 262_144;
const LINE_BYTES = 64;

/** A TxBuffer as its link sees it. */
export interface ArenaBuffer extends TxBuffer {
  pins: number;
  /** Out with a caller: set by `allocate`, cleared by `free`. */
  live: boolean;
}

export interface Arena {
  /** null: the budget or the kernel has no more. */
  allocate(size: number): ArenaBuffer | null;
  free(buffer: TxBuffer): void;
  /** Bytes of the buffers that are out. */
  readonly liveBytes: number;
  close(): void;
}

/** `budgetBytes` bounds what may be out at one time. */
export function createArena(budgetBytes: number): Arena {
  const chunks: Mapping[] = [];
  const idle = new Map<number, ArenaBuffer[]>();
  /** The list last asked for, and the size of its buffers: most links have one size. */
  let sized = 0;
  let list: ArenaBuffer[] = [];
  const buffers: ArenaBuffer[] = [];
  /** What is left of the last chunk begins here. */
  let at = 0;
  let liveBytes = 0;

  function carve(size: number): ArenaBuffer | null {
    let chunk = chunks.at(-1);
    if (chunk === undefined || at + size > chunk.bytes.length) {
      try {
        chunk = mapMemory(Math.max(CHUNK_BYTES, size));
      } catch {
        return null;
      }
      chunks.push(chunk);
      at = 0;
    }
    const { buffer } = chunk.bytes;
    const made: ArenaBuffer = {
      index: buffers.length,
      bytes: new Uint8Array(buffer, at, size),
      view: new DataView(buffer, at, size),
      address: chunk.address + at,
      pins: 0,
      live: false,
    };
    buffers.push(made);
    at = Math.ceil((at + size) / LINE_BYTES) * LINE_BYTES;
    return made;
  }

  function idleOf(size: number): ArenaBuffer[] {
    if (size === sized) return list;
    list = idle.get(size) ?? [];
    sized = size;
    idle.set(size, list);
    return list;
  }

  return {
    get liveBytes() {
      return liveBytes;
    },
    allocate(size) {
      if (size <= 0 || liveBytes + size > budgetBytes) return null;
      const buffer = idleOf(size).pop() ?? carve(size);
      if (buffer === null) return null;
      buffer.live = true;
      liveBytes += size;
      return buffer;
    },
    free(buffer) {
      const mine = buffers[buffer.index];
      if (mine !== buffer) throw new Error("invariant: freed to a link that did not allocate it");
      if (!mine.live) throw new Error(`invariant: buffer ${buffer.index} freed twice`);
      if (mine.pins !== 0) throw new Error(`invariant: buffer ${buffer.index} freed while pinned`);
      mine.live = false;
      liveBytes -= mine.bytes.length;
      idleOf(mine.bytes.length).push(mine);
    },
    close() {
      for (const chunk of chunks) chunk.unmap();
      chunks.length = 0;
      idle.clear();
      sized = 0;
    },
  };
}
