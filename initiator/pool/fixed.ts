// `fixed`: what the driver did before the 2007 message.
//
// Source: drivers/block/aoe/aoecmd.c, freeframe(), Linux up to 2.6.24.
//
//   frame   0        1        2     …   N−1        N ≤ 16, one buffer each, for ever
//         [busy]  [pinned]  [idle]
//                              └── the first that is free and not pinned is taken
//
//   a buffer's life:   idle ── acquire ──▶ owned ── answer ──▶ pinned ── the link releases ──▶ idle
//                                                             └ its frame is free and of no use
//
// All free and all pinned: dry, and with nothing outstanding no answer will come to try again. Linux then
// set DEVFL_KICKME and waited for its 100 ms timer.
//
// Price: a scan of at most 16 frames per command; N buffers, no allocation after the start. On a link that
// releases late, N commands per kick.

import type { TxBuffer } from "../../link/link.ts";
import { FIRST, Frames } from "./frames.ts";
import type { Ledger } from "./ledger.ts";
import type { Strategy } from "./strategy.ts";

/** Most frames: Linux took the target's buffer count and no more than this. */
export const MAXFRAMES = 16;

export class Fixed implements Strategy {
  readonly name = "fixed";
  readonly redrivenByReclaim = false;
  readonly idled = null;
  readonly frames: number;
  private readonly slots: Frames;

  constructor(ledger: Ledger, frames: number) {
    this.slots = new Frames(frames);
    for (let i = 0; i < frames; i++) if (this.slots.add(ledger) < 0) break;
    this.frames = this.slots.count;
  }

  take(_now: number): TxBuffer | null {
    const { slots } = this;
    const { buffers, vacant } = slots;
    for (let word = 0; word < vacant.length; word++) {
      let bits = vacant[word] ?? 0;
      while (bits !== 0) {
        const frame = (word << 5) + Math.clz32(bits);
        const buffer = buffers[frame];
        if (buffer?.pins === 0) {
          slots.occupy(frame);
          return buffer;
        }
        bits &= ~(FIRST >>> (frame & 31));
      }
    }
    return null;
  }

  give(buffer: TxBuffer, _idle: boolean, _now: number): void {
    this.slots.vacate(this.slots.of(buffer));
  }

  nextDeadline(): number {
    return Infinity;
  }

  rest(_now: number): void {}
}
