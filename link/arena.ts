// Transmit buffers whose addresses hold still: pages mapped a chunk at a time and cut into buffers.
// Memory goes back to the system only when the arena is closed.
//
//   chunk, 256 KiB or one buffer   [ buffer | buffer | … | unused ]      buffers start on cache lines

import { mapMemory, type Mapping } from "../sys/memory.ts";
import { BufferStock, type StockBuffer } from "./buffer_stock.ts";

const CHUNK_BYTES = 262_144;
const LINE_BYTES = 64;

export type ArenaBuffer = StockBuffer;

export class Arena extends BufferStock<ArenaBuffer> {
  private readonly chunks: Mapping[] = [];
  /** What is left of the last chunk begins here. */
  private at = 0;

  constructor(budgetBytes: number) {
    super(budgetBytes, (size, index) => this.carve(size, index));
  }

  close(): void {
    for (const chunk of this.chunks) chunk.unmap();
    this.chunks.length = 0;
    this.forget();
  }

  private carve(size: number, index: number): ArenaBuffer | null {
    let chunk = this.chunks.at(-1);
    if (chunk === undefined || this.at + size > chunk.bytes.length) {
      try {
        chunk = mapMemory(Math.max(CHUNK_BYTES, size));
      } catch {
        return null;
      }
      this.chunks.push(chunk);
      this.at = 0;
    }
    const { at } = this;
    const { buffer } = chunk.bytes;
    this.at = Math.ceil((at + size) / LINE_BYTES) * LINE_BYTES;
    return {
      index,
      bytes: new Uint8Array(buffer, at, size),
      view: new DataView(buffer, at, size),
      address: chunk.address + at,
      pins: 0,
      live: false,
    };
  }
}

/** `budgetBytes` bounds what may be out at one time. */
export function createArena(budgetBytes: number): Arena {
  return new Arena(budgetBytes);
}
