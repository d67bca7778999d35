// A link whose transmit buffers are malloc'd one by one, over another link that copies: the arm of claim E4
// in which an allocation for every transmit costs what it costs a C program, and not JavaScript's heap.
// The link below sends its own memory only, so a frame is copied into a scratch buffer of it first: 60 bytes
// for a read.

import type { Link, TxBuffer } from "../../link/link.ts";
import { WrappedLink } from "../../link/wrap.ts";
import { allocateHeap, type HeapMemory, releaseHeap } from "../../sys/heap.ts";
import * as ethernet from "../../wire/ethernet.ts";

class HeapBuffer implements TxBuffer {
  readonly index: number;
  /** A copying link holds nothing. */
  readonly pins = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
  readonly memory: HeapMemory;

  constructor(index: number, memory: HeapMemory) {
    this.index = index;
    this.memory = memory;
    this.bytes = memory.bytes;
    this.view = memory.view;
    this.address = memory.address;
  }
}

export class HeapLink extends WrappedLink {
  private readonly vacant: number[] = [];
  private created = 0;
  private scratch: TxBuffer | null = null;

  constructor(inner: Link) {
    super(inner);
  }

  override allocate(size: number): TxBuffer | null {
    this.scratch ??= this.inner.allocate(ethernet.LENGTH + this.mtu);
    if (this.scratch === null) return null;
    return new HeapBuffer(this.vacant.pop() ?? this.created++, allocateHeap(size));
  }

  override free(buffer: TxBuffer): void {
    if (!(buffer instanceof HeapBuffer)) throw new Error("invariant: a buffer of this link");
    this.vacant.push(buffer.index);
    releaseHeap(buffer.memory);
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    const { scratch } = this;
    if (scratch === null) throw new Error("invariant: what is sent was allocated");
    for (let at = 0; at < length; at++) scratch.bytes[at] = buffer.bytes[at] ?? 0;
    return this.inner.transmit(scratch, length);
  }
}
