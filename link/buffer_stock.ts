// The transmit buffers of one link: a free list per size, and a budget of what may be out at a
// time. What is given back is kept, so that an allocation after the first is a pop: what a
// kernel's slab does for skbs.

import type { TxBuffer } from "./link.ts";

/** A TxBuffer as its link sees it. */
export interface StockBuffer extends TxBuffer {
  pins: number;
  /** Out with a caller: set by `allocate`, cleared by `free`. */
  live: boolean;
}

export class BufferStock<Buffer extends StockBuffer> {
  /** By index. */
  readonly all: Buffer[] = [];
  /** Bytes of the buffers that are out. */
  liveBytes = 0;
  private readonly budgetBytes: number;
  private readonly make: (size: number, index: number) => Buffer | null;
  private readonly idle = new Map<number, Buffer[]>();
  /** The list last asked for, and the size of its buffers: most links have one size. */
  private sized = 0;
  private list: Buffer[] = [];

  /** `make` returns a buffer that is neither live nor pinned; null: there is no more. */
  constructor(budgetBytes: number, make: (size: number, index: number) => Buffer | null) {
    this.budgetBytes = budgetBytes;
    this.make = make;
  }

  /** null: the budget or the kernel has no more. */
  allocate(size: number): Buffer | null {
    if (size <= 0 || this.liveBytes + size > this.budgetBytes) return null;
    const buffer = this.idleOf(size).pop() ?? this.add(size);
    if (buffer === null) return null;
    buffer.live = true;
    this.liveBytes += size;
    return buffer;
  }

  free(buffer: TxBuffer): void {
    const own = this.own(buffer);
    if (own.pins !== 0) throw new Error(`invariant: buffer ${own.index} freed while pinned`);
    own.live = false;
    this.liveBytes -= own.bytes.length;
    this.idleOf(own.bytes.length).push(own);
  }

  /** `buffer` as the link's own, which is out. */
  own(buffer: TxBuffer): Buffer {
    const found = this.all[buffer.index];
    if (found !== buffer || !found.live) {
      throw new Error(`invariant: buffer ${buffer.index} is not allocated from this link`);
    }
    return found;
  }

  /** The memory of what is not out is gone. */
  protected forget(): void {
    this.idle.clear();
    this.sized = 0;
    this.list = [];
  }

  private add(size: number): Buffer | null {
    const made = this.make(size, this.all.length);
    if (made !== null) this.all.push(made);
    return made;
  }

  private idleOf(size: number): Buffer[] {
    if (size === this.sized) return this.list;
    this.list = this.idle.get(size) ?? [];
    this.sized = size;
    this.idle.set(size, this.list);
    return this.list;
  }
}
