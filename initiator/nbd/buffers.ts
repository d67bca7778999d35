// The memory of one connection's requests, bounded: classes of twice the size each, mapped when first
// needed, used again for ever in steady state, given back to the system when another class needs the room.
//
//   buffer  [ 36 unused | reply header, at most 28 | data, 4 KiB << class ]     data begin at DATA_AT
//
// A reply's header stands right before its data, so that both go out in one call and data stay where
// the device put them. The budget is above the largest class: a connection that holds nothing always
// gets what it asks for.

import { type AddressedMemory, addressedMemory } from "../../link/addressed_memory.ts";

/** Where the data of a request begin: on a cache line, with room for a reply's header before. */
export const DATA_AT = 64;
const SMALLEST = 4096;
const CLASSES = 14;
/** Most data of one request, bytes: what clients may send without asking (32 MiB). */
export const MOST_DATA: number = SMALLEST << (CLASSES - 1);
/** What one connection's requests may occupy together, bytes. */
export const BUDGET: number = MOST_DATA + 2 * 2 ** 20;

export interface RequestBuffer {
  readonly memory: AddressedMemory;
  readonly sizeClass: number;
}

/** Why there is no buffer. */
export const NO_ROOM = "no room";
export const NO_MEMORY = "no memory";

export class RequestBuffers {
  /** Bytes mapped now. */
  mapped = 0;
  private readonly idle: RequestBuffer[][] = [];
  private readonly budget: number;

  constructor(budget: number = BUDGET) {
    this.budget = budget;
    for (let sizeClass = 0; sizeClass < CLASSES; sizeClass++) this.idle.push([]);
  }

  /** A buffer for `bytes` of data (at most MOST_DATA). NO_ROOM: others have to come back first. NO_MEMORY: the kernel has none. */
  take(bytes: number): RequestBuffer | typeof NO_ROOM | typeof NO_MEMORY {
    const sizeClass = classOf(bytes);
    const used = (this.idle[sizeClass] as RequestBuffer[]).pop();
    if (used !== undefined) return used;
    const size = sizeOf(sizeClass);
    if (this.mapped + size > this.budget) this.trim(size);
    if (this.mapped + size > this.budget) return NO_ROOM;
    try {
      const memory = addressedMemory(size);
      this.mapped += size;
      return { memory, sizeClass };
    } catch {
      return NO_MEMORY;
    }
  }

  give(buffer: RequestBuffer): void {
    (this.idle[buffer.sizeClass] as RequestBuffer[]).push(buffer);
  }

  /** Unmaps idle buffers, the largest first, until `size` more bytes fit. */
  private trim(size: number): void {
    for (let sizeClass = CLASSES - 1; sizeClass >= 0; sizeClass--) {
      const idle = this.idle[sizeClass] as RequestBuffer[];
      while (this.mapped + size > this.budget) {
        const buffer = idle.pop();
        if (buffer === undefined) break;
        this.unmap(buffer);
      }
    }
  }

  private unmap(buffer: RequestBuffer): void {
    this.mapped -= sizeOf(buffer.sizeClass);
    buffer.memory.unmap();
  }

  /** Unmaps all; every buffer must be back. */
  close(): void {
    for (const idle of this.idle) {
      for (const buffer of idle) this.unmap(buffer);
      idle.length = 0;
    }
    if (this.mapped !== 0) throw new Error("invariant: a closed connection's buffers are back");
  }
}

function classOf(bytes: number): number {
  if (!(bytes >= 0 && bytes <= MOST_DATA)) throw new Error(`invariant: a buffer of ${bytes} bytes`);
  let sizeClass = 0;
  while (SMALLEST << sizeClass < bytes) sizeClass++;
  return sizeClass;
}

function sizeOf(sizeClass: number): number {
  return DATA_AT + (SMALLEST << sizeClass);
}
