// The frames of a device and the buffer that each has: Linux's struct frame and its skb.
//
//   frame     0     1     2     3
//   buffer  [ 7 ] [ 1 ] [ 2 ] [ 9 ]     a frame has one buffer, always; a swap changes which
//   busy      1     0     0     1       a command is out in it
//
// Buffers are named by their slot in the ledger.

import type { TxBuffer } from "../../link/link.ts";
import type { Ledger } from "./ledger.ts";

export class Frames {
  /** How many there are; those beyond have no buffer yet. */
  count = 0;
  readonly buffers: TxBuffer[] = [];
  readonly busy: Uint8Array;
  private bySlot = new Int32Array(64).fill(-1);

  constructor(most: number) {
    this.busy = new Uint8Array(most);
  }

  /** One more frame with a buffer of its own, free; its number, or -1: the link said no. */
  add(ledger: Ledger): number {
    const buffer = ledger.allocateOwn();
    if (buffer === null) return -1;
    const frame = this.count++;
    this.buffers.push(buffer);
    this.map(buffer.index, frame);
    return frame;
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
