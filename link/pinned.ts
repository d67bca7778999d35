// Buffers that the kernel holds and releases without a signal: which, and when to look next.

import { now } from "../sys/clock.ts";

/** How soon to look again, ns: an eighth of the time that nothing has moved, within these. */
const LOOK_SOONEST = 50e3;
const LOOK_LATEST = 1e6;

export interface Pinnable {
  pins: number;
  /** Where it stands among the pinned; −1: not there. */
  place: number;
}

export class Pinned<Buffer extends Pinnable> {
  /** Dense: a released one is replaced by the last. */
  readonly all: Buffer[] = [];
  /** When a buffer last went out or came back. */
  private moved = 0;

  pin(buffer: Buffer): void {
    buffer.pins = 1;
    buffer.place = this.all.length;
    this.all.push(buffer);
    this.moved = now();
  }

  unpin(buffer: Buffer): void {
    buffer.pins = 0;
    const last = this.all.pop();
    if (last !== undefined && last !== buffer) {
      this.all[buffer.place] = last;
      last.place = buffer.place;
    }
    buffer.place = -1;
  }

  /** Something came back just now. */
  hasMoved(): void {
    this.moved = now();
  }

  /** When to look again, ns. */
  nextLook(): number {
    if (this.all.length === 0) return Number.POSITIVE_INFINITY;
    const at = now();
    return at + Math.min(LOOK_LATEST, Math.max(LOOK_SOONEST, (at - this.moved) / 8));
  }
}
