// The frames of a device and the buffer that each has: Linux's struct frame and its skb.
//
//   frame     0     1     2     3
//   buffer  [ 7 ] [ 1 ] [ 2 ] [ 9 ]     a frame has one buffer, always; a swap changes which
//   vacant    0     1     1     0       no command is out in it; a bit each, frame 0 the highest of word 0
//
// A scan in the order of frames goes over the vacant bits alone, by their leading zeros.
//
// Buffers are named by their slot in the ledger.

import type { TxBuffer } from "../../link/link.ts";
import type { Ledger } from "./ledger.ts";

/** The bit of a word's first frame. */
export const FIRST = 0x8000_0000;

export class Frames {
  /** How many there are; those beyond have no buffer yet. */
  count = 0;
  readonly buffers: TxBuffer[] = [];
  readonly vacant: Int32Array;
  private bySlot = new Int32Array(64).fill(-1);

  constructor(most: number) {
    this.vacant = new Int32Array((most + 31) >>> 5);
  }

  /** One more frame with a buffer of its own, vacant; its number, or -1: the link said no. */
  add(ledger: Ledger): number {
    const buffer = ledger.allocateOwn();
    if (buffer === null) return -1;
    const frame = this.count++;
    this.buffers.push(buffer);
    this.map(buffer.index, frame);
    this.vacate(frame);
    return frame;
  }

  occupy(frame: number): void {
    const word = frame >>> 5;
    this.vacant[word] = (this.vacant[word] ?? 0) & ~(FIRST >>> (frame & 31));
  }

  vacate(frame: number): void {
    const word = frame >>> 5;
    this.vacant[word] = (this.vacant[word] ?? 0) | (FIRST >>> (frame & 31));
  }

  /** The frame whose buffer is `buffer`. */
  of(buffer: TxBuffer): number {
    const frame = this.bySlot[buffer.index] ?? -1;
    if (frame < 0) throw new Error(`invariant: buffer ${buffer.index} is some frame's`);
    return frame;
  }

  /** Gives `frame` the buffer `fresh` in place of the one it has, which it returns. */
  swap(frame: number, fresh: TxBuffer): TxBuffer {
    const pinned = this.buffers[frame];
    if (pinned === undefined) throw new Error(`invariant: frame ${frame} has a buffer`);
    this.bySlot[pinned.index] = -1;
    this.buffers[frame] = fresh;
    this.map(fresh.index, frame);
    return pinned;
  }

  private map(slot: number, frame: number): void {
    if (slot >= this.bySlot.length) {
      const wider = new Int32Array(Math.max(slot + 1, this.bySlot.length * 2)).fill(-1);
      wider.set(this.bySlot);
      this.bySlot = wider;
    }
    this.bySlot[slot] = frame;
  }
}
