// `scan-swap`: the patch of the 2007 message. With no cap, the same is `uncapped`.
//
// Source: drivers/block/aoe/aoecmd.c, freeframe(), Linux 2.6.25 to 3.6; NSKBPOOLMAX 64, later 128.
//
//   frame   0        1         2      …   N−1
//         [busy]  [pinned]  [pinned]                    one that is idle: taken, as `fixed` does
//                    │ ▲
//            to tail │ │ from head, or new while below the cap        all pinned: the first one swaps
//                    ▼ │
//         tail [pinned] … [idle] head                   the pool
//
//   a buffer's life:   new ── frame: owned ── answer ──▶ pinned in its frame ──▶ idle there, used again
//                                                           └─ swapped out ──▶ the pool's tail … its head
//                                                                              ──▶ into another frame
//
// The pool is asked only when every free frame is pinned. Its head pinned and the cap reached: dry.
//
// Price: a scan of all frames per command, longest when all are pinned; at most N + cap buffers, for the
// life of the device; memory grows to what the link's lateness asks for, and stays.

import type { TxBuffer } from "../../link/link.ts";
import { FIRST, Frames } from "./frames.ts";
import { Headroom } from "./headroom.ts";
import type { Ledger } from "./ledger.ts";
import type { Strategy } from "./strategy.ts";

export class ScanSwap implements Strategy {
  readonly name: string;
  readonly redrivenByReclaim = false;
  readonly idled: (slot: number) => void;
  readonly frames: number;
  private readonly slots: Frames;
  private readonly headroom: Headroom;

  constructor(ledger: Ledger, frames: number, name: "scan-swap" | "uncapped") {
    this.name = name;
    this.slots = new Frames(frames);
    this.headroom = new Headroom(ledger);
    this.idled = (slot) => this.headroom.idled(slot);
    for (let i = 0; i < frames; i++) if (this.slots.add(ledger) < 0) break;
    this.frames = this.slots.count;
  }

  take(now: number): TxBuffer | null {
    const { slots } = this;
    const { buffers, vacant } = slots;
    let pinned = -1;
    for (let word = 0; word < vacant.length; word++) {
      let bits = vacant[word] ?? 0;
      while (bits !== 0) {
        const frame = (word << 5) + Math.clz32(bits);
        const buffer = buffers[frame];
        if (buffer?.pins === 0) {
          slots.occupy(frame);
          return buffer;
        }
        if (pinned < 0) pinned = frame;
        bits &= ~(FIRST >>> (frame & 31));
      }
    }
    if (pinned < 0) throw new Error("invariant: fewer commands are out than there are frames");
    const fresh = this.headroom.get(now);
    if (fresh === null) return null;
    this.headroom.put(slots.swap(pinned, fresh));
    slots.occupy(pinned);
    return fresh;
  }

  give(buffer: TxBuffer, _idle: boolean, _now: number): void {
    this.slots.vacate(this.slots.of(buffer));
  }

  nextDeadline(): number {
    return Infinity;
  }

  rest(_now: number): void {}
}
