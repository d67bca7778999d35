// `lifo-swap`: what the driver does today.
//
// Source: drivers/block/aoe/aoecmd.c, newtframe(), aoe_freetframe(), Linux 3.7 to 6.x; NSKBPOOLMAX 256,
// frames at most twice that.
//
//   free frames, a stack      top [pinned]  ◀── pop ONE
//                                 [idle]        pinned: swap with the pool as `scan-swap` does
//                                 [idle]        pool dry: push it back and fail, whatever lies beneath
//   the stack empty: a new frame with a buffer of its own, while there are fewer than 512
//
//   a buffer's life:   as in `scan-swap`; but the frame freed last is taken first, whose buffer is the one
//                      most likely still pinned: so the pool is asked far more often
//
// Frames come on demand: none are preallocated, and `preallocated` of the metrics counts those made so
// far. Linux hands answered frames to a completion thread, which returns them a little later; until then
// another is made. `frameReturn` (ns) models that: a frame is on the stack that long after its release.
//
// Price: O(1) per command; at most frames + cap buffers, for the life of the device; swaps where a scan
// would have found an idle buffer.

import type { TxBuffer } from "../../link/link.ts";
import { Frames } from "./frames.ts";
import { Headroom } from "./headroom.ts";
import type { Ledger } from "./ledger.ts";
import type { Strategy } from "./strategy.ts";

/** Most frames that Linux makes per target: NSKBPOOLMAX × 2. */
export const MOST_FRAMES = 512;

export class LifoSwap implements Strategy {
  readonly name = "lifo-swap";
  readonly redrivenByReclaim = false;
  readonly idled: (slot: number) => void;
  readonly frames: number;
  private readonly ledger: Ledger;
  private readonly slots: Frames;
  private readonly headroom: Headroom;
  private readonly frameReturn: number;
  private readonly stack: Int32Array;
  private depth = 0;
  /** Frames on their way back, a ring in the order of release, and when each arrives. */
  private readonly late: Int32Array;
  private readonly lateUntil: Float64Array;
  private lateHead = 0;
  private lateCount = 0;

  constructor(ledger: Ledger, mostFrames: number, frameReturn: number) {
    this.ledger = ledger;
    this.frames = mostFrames;
    this.frameReturn = frameReturn;
    this.slots = new Frames(mostFrames);
    this.headroom = new Headroom(ledger);
    this.idled = (slot) => this.headroom.idled(slot);
    this.stack = new Int32Array(mostFrames);
    this.late = new Int32Array(mostFrames);
    this.lateUntil = new Float64Array(mostFrames);
  }

  take(now: number): TxBuffer | null {
    if (this.lateCount > 0) this.bringBack(now);
    const { slots } = this;
    if (this.depth === 0) {
      if (slots.count >= this.frames) return null;
      const made = slots.add(this.ledger);
      if (made < 0) {
        this.ledger.metrics.allocationFailures++;
        return null;
      }
      this.ledger.metrics.fresh++;
      return slots.buffers[made] ?? null;
    }
    const frame = this.stack[this.depth - 1] ?? 0;
    const buffer = slots.buffers[frame] ?? null;
    if (buffer?.pins === 0) {
      this.depth--;
      return buffer;
    }
    const fresh = this.headroom.get(now);
    if (fresh === null) return null;
    this.depth--;
    this.headroom.put(slots.swap(frame, fresh));
    return fresh;
  }

  give(buffer: TxBuffer, _idle: boolean, now: number): void {
    const frame = this.slots.of(buffer);
    if (this.frameReturn === 0) {
      this.stack[this.depth++] = frame;
      return;
    }
    const at = (this.lateHead + this.lateCount++) % this.frames;
    this.late[at] = frame;
    this.lateUntil[at] = now + this.frameReturn;
  }

  nextDeadline(): number {
    return Infinity;
  }

  rest(_now: number): void {}

  private bringBack(now: number): void {
    while (this.lateCount > 0 && (this.lateUntil[this.lateHead] ?? 0) <= now) {
      this.stack[this.depth++] = this.late[this.lateHead] ?? 0;
      this.lateHead = (this.lateHead + 1) % this.frames;
      this.lateCount--;
    }
  }
}
