// What stands between the first and the second decision of tx_path.ts: answers made while more
// requests wait are gathered, and leave by one system call (sys/frame_batch.ts).
//
//   send ─▶ more requests wait, or frames do? ─ no ─▶ the sender beneath, at once
//              └ yes ─▶ a copy waits ── sixteen of them, the last request, or `flush` ──▶ sendmmsg
//                                         └ refused: that frame by the sender beneath ─ no ─▶ lost, or all wait
//
// Nothing waits for a batch to fill. A frame that waits was said to be sent; the kernel's refusal
// concerns that frame alone. "No room" holds up those behind it, too: they stay, in their order,
// nothing more is taken, and `flush` tries again. What they would have read from elsewhere is
// copied first, since it may be something else by then.
//
// A second part that can't be read (a file was cut) costs its frame; for LATER nothing with a
// second part waits, so that whoever asks again is told the errno at once.

import { EAGAIN, EFAULT } from "../sys/errno.ts";
import { BATCH_FRAME_BYTES, BATCH_FRAMES, type FrameBatch } from "../sys/frame_batch.ts";
import type { SizedSender } from "./tx_linear.ts";
import type { GatheringSender } from "./tx_xdp.ts";

/** Taken, and not sent yet: what `send` of a gathering sender says beside 0 and an errno. */
export const TAKEN = -1;
/** Longer frames in one part are not copied once more. */
export const MOST_COPIED = 2048;
/** How soon a refused batch is tried again, ns. */
const AGAIN = 50e3;
/** Longer than an initiator takes to ask again, ns. */
const LATER = 10e9;

export interface BatchDependencies {
  readonly batch: FrameBatch;
  /** Descriptors of the two sockets; a frame that is large leaves by the second. */
  readonly ordinary: number;
  readonly linear: number;
  now(): number;
  /** Whether another request waits to be visited right after this one. */
  more(): boolean;
  /** Whether this errno of a frame of `length` bytes means "later". */
  isLater(code: number, length: number): boolean;
  /** So many frames have left in one call, and one of `length` bytes has. */
  left(frames: number, isLarge: boolean, length: number): void;
  /** A frame that was said to be sent is gone, for this errno. */
  lost(code: number): void;
}

export interface BatchSender extends GatheringSender {
  /** Frames that were said to be sent and have not left. */
  readonly waiting: number;
  /** When `flush` is to be called again, ns; Infinity: it need not. */
  readonly againAt: number;
  /** Those that wait are lost, for `code`. */
  drop(code: number): void;
}

export function sendInBatches(beneath: SizedSender, needs: BatchDependencies): BatchSender {
  return new Batches(beneath, needs);
}

class Batches implements BatchSender {
  againAt = Number.POSITIVE_INFINITY;
  private readonly beneath: SizedSender;
  private readonly needs: BatchDependencies;
  private readonly batch: FrameBatch;
  /** Of the frames that wait. */
  private areLarge = false;
  private longest = 0;
  private doubtedUntil = Number.NEGATIVE_INFINITY;

  constructor(beneath: SizedSender, needs: BatchDependencies) {
    this.beneath = beneath;
    this.needs = needs;
    this.batch = needs.batch;
  }

  get waiting(): number {
    return this.batch.waiting;
  }

  send(address: number, length: number): number {
    if (length <= MOST_COPIED && this.gathers(length)) {
      this.batch.put(this.areLarge, address, length);
      return this.taken();
    }
    return this.flushed() ? this.beneath.send(address, length) : EAGAIN;
  }

  sendBoth(first: number, length: number, second: number, bytes: number): number {
    const isDoubted = this.doubtedUntil > 0 && this.needs.now() < this.doubtedUntil;
    if (!isDoubted && this.gathers(length + bytes)) {
      this.batch.putBoth(this.areLarge, first, length, second, bytes);
      return this.taken();
    }
    return this.flushed() ? this.beneath.sendBoth(first, length, second, bytes) : EAGAIN;
  }

  flush(): void {
    const { batch, needs } = this;
    if (batch.waiting === 0 || (this.againAt < Infinity && needs.now() < this.againAt)) return;
    this.againAt = Number.POSITIVE_INFINITY;
    while (batch.waiting > 0) {
      this.go();
      if (batch.waiting === 0) return;
      if (!this.goesAlone()) {
        batch.keep();
        this.againAt = needs.now() + AGAIN;
        return;
      }
    }
  }

  drop(code: number): void {
    for (; this.batch.waiting > 0; this.batch.skip()) this.needs.lost(code);
    this.againAt = Number.POSITIVE_INFINITY;
  }

  /** Whether a frame of `length` bytes is to be put into the batch. */
  private gathers(length: number): boolean {
    const { batch } = this;
    if (this.againAt < Infinity) this.flush();
    if (length > BATCH_FRAME_BYTES || this.againAt < Infinity) return false;
    if (batch.waiting === 0 && !this.needs.more()) return false;
    const isLarge = this.beneath.isLarge(length);
    // Each has a socket of its own.
    if (isLarge !== this.areLarge && !this.flushed()) return false;
    this.areLarge = isLarge;
    this.longest = batch.waiting === 0 ? length : Math.max(this.longest, length);
    return true;
  }

  private taken(): number {
    if (this.batch.waiting >= BATCH_FRAMES || !this.needs.more()) this.flush();
    return TAKEN;
  }

  private go(): void {
    const { batch, needs, areLarge } = this;
    const before = batch.waiting;
    const sent = batch.go(areLarge ? needs.linear : needs.ordinary);
    // Which of them the longest was is not known where it was a part of them.
    if (sent > 0) needs.left(sent, areLarge, sent === before ? this.longest : 0);
  }

  /** The first that waits, which was refused among others. False: it is to wait. */
  private goesAlone(): boolean {
    const { batch, beneath, needs } = this;
    const { first, firstLength, second, secondLength } = batch;
    const code =
      secondLength === 0
        ? beneath.send(first, firstLength)
        : beneath.sendBoth(first, firstLength, second, secondLength);
    const length = firstLength + secondLength;
    if (code === 0) {
      needs.left(0, this.areLarge, length);
    } else {
      if (needs.isLater(code, length)) return false;
      if (code === EFAULT) this.doubtedUntil = needs.now() + LATER;
      needs.lost(code);
    }
    batch.skip();
    return true;
  }

  /** Nothing overtakes what waits. */
  private flushed(): boolean {
    if (this.batch.waiting > 0) this.flush();
    return this.batch.waiting === 0;
  }
}
