// How many frames a path may have in the network: slow start and congestion avoidance.
//
//   size   ┐ ×½ at first, +1 per answer up to `threshold`, then +1 per full window
//          │        ╱──────
//          │   ╱──╱            loss: threshold = size / 2, size = 1
//          │ ╱        │╱
//
// The law `slow-start` is that of Linux since 3.8 (aoecmd.c: calc_rttavg, rexmit_timer, aoecmd_wreset;
// `maxout`, `ssthresh`, `next_cwnd`); it starts at half of the target's buffer count. The law `stepwise`
// is the one before (`lastwadj`): all of the buffer count at first, one frame less when some expire
// with the window full, and one more after ten seconds with a full window and no such loss. The limit is the
// target's buffer count in both (P12).

export type WindowLaw = "slow-start" | "stepwise";

/** `stepwise`: how long a full window goes without loss before it opens by one, ns. */
const PATIENCE = 10e9;

export class Window {
  /** Frames that may be in the network now. */
  size: number;
  limit: number;
  threshold: number;
  private readonly law: WindowLaw;
  /** slow-start: answers with a full window until it opens by one. */
  private credit: number;
  /** stepwise: when the size last changed, ns. */
  private changedAt = 0;

  constructor(limit: number, law: WindowLaw = "slow-start") {
    this.law = law;
    this.limit = limit;
    this.threshold = Math.max(1, limit >> 1);
    this.credit = limit;
    this.size = law === "slow-start" ? this.threshold : limit;
  }

  /** An answer came at `now` while `inFlight` frames (it among them) were out. */
  answered(inFlight: number, now: number): void {
    if (this.size >= this.limit) return;
    if (this.law === "stepwise") {
      if (inFlight < this.size || now - this.changedAt <= PATIENCE) return;
      this.size++;
      this.changedAt = now;
    } else if (this.size < this.threshold) {
      this.size++;
    } else if (inFlight === this.size && this.credit-- <= 0) {
      this.size++;
      this.credit = this.size;
    }
  }

  /**
   * A frame was not answered in time while `inFlight` frames (it among them) were out. Many of one window may
   * expire at once: the first counts.
   */
  lost(inFlight: number, now: number): void {
    if (this.law === "stepwise") {
      if (inFlight < this.size || now <= this.changedAt) return;
      if (this.size > 1) this.size--;
      this.changedAt = now;
    } else if (this.size > 1) {
      this.threshold = Math.max(1, this.size >> 1);
      this.size = 1;
      this.credit = this.limit;
    }
  }

  /** The target now has `limit` buffers. A smaller number starts afresh, as Linux does. */
  resize(limit: number): void {
    if (limit === this.limit) return;
    this.limit = limit;
    if (limit < this.size) this.restart();
  }

  /** From one frame on, for a path that has come back. */
  restart(): void {
    this.size = 1;
    this.threshold = Math.max(1, this.limit >> 1);
    this.credit = this.limit;
  }
}
