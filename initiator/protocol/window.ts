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
// target's buffer count in all of them (P12).
//
// The law `steady`, the usual one, falls to LEAST frames on a path that is silent, and is slow start from there. Where
// frames that were sent later have been answered, one that was not is a share of what the path loses, and the window
// goes by that share, a round of ROUND outcomes at a time: up to an eighth it grows, up to a quarter it stays, above
// that it is halved. By `slow-start` reads that lose one frame in ten keep an eighth of their rate or less: each loss
// leaves one frame, whose own loss is a silence of a whole time-out.

export const WINDOW_LAWS = ["steady", "slow-start", "stepwise"] as const;
export type WindowLaw = (typeof WINDOW_LAWS)[number];

/** `steady`: outcomes of a round, at least. */
const ROUND = 64;
/** `steady`: what is left of the window on a silent path. */
const LEAST = 4;
/** `stepwise`: how long a full window goes without loss before it opens by one, ns. */
const PATIENCE = 10e9;

export class Window {
  /** Frames that may be in the network now. */
  size: number;
  limit: number;
  threshold: number;
  private readonly law: WindowLaw;
  /** Answers with a full window until it opens by one. */
  private credit: number;
  /** steady: outcomes of the current round, and whether the last one lets the window grow. */
  private heard = 0;
  private missed = 0;
  private grows = true;
  /** stepwise: when the size last changed, ns. */
  private changedAt = 0;

  constructor(limit: number, law: WindowLaw = "steady") {
    this.law = law;
    this.limit = limit;
    this.threshold = Math.max(1, limit >> 1);
    this.credit = limit;
    this.size = law === "stepwise" ? limit : this.threshold;
  }

  /** An answer came at `now` while `inFlight` frames (it among them) were out. */
  answered(inFlight: number, now: number): void {
    this.heard++;
    if (this.size < this.limit) this.open(inFlight, now);
  }

  private open(inFlight: number, now: number): void {
    if (this.law === "stepwise") {
      if (inFlight < this.size || now - this.changedAt <= PATIENCE) return;
      this.size++;
      this.changedAt = now;
    } else if (!this.grows) {
      if (this.heard + this.missed >= ROUND) this.judge();
    } else if (this.size < this.threshold) {
      this.size++;
    } else if (inFlight === this.size && this.credit-- <= 0) {
      this.size++;
      this.credit = this.size;
    }
  }

  /**
   * A frame was not answered in time while `inFlight` frames (it among them) were out. Many of one window may
   * expire at once: the first counts. `overtaken`: what was sent after it has been answered.
   */
  lost(inFlight: number, now: number, overtaken = false): void {
    if (this.law === "stepwise") {
      if (inFlight < this.size || now <= this.changedAt) return;
      if (this.size > 1) this.size--;
      this.changedAt = now;
    } else if (this.law === "steady" && overtaken) {
      this.missed++;
      if (this.heard + this.missed >= ROUND) this.judge();
    } else {
      this.fall(this.law === "steady" ? LEAST : 1);
    }
  }

  /** A second answer came, or one after its frame was given up: what was taken for a loss was late. */
  late(): void {
    if (this.missed === -ROUND) return;
    this.missed--;
    this.heard++;
  }

  /** steady: a round is over. */
  private judge(): void {
    const { heard, missed } = this;
    this.heard = 0;
    this.missed = 0;
    this.grows = 8 * missed <= heard + missed;
    if (4 * missed > heard + missed) this.fall(Math.max(1, this.size >> 1));
  }

  /** To `size`, where it is larger. */
  private fall(size: number): void {
    this.heard = 0;
    this.missed = 0;
    this.grows = true;
    if (this.size <= size) return;
    this.threshold = this.size >> 1;
    this.size = size;
    this.credit = this.law === "steady" ? size : this.limit;
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
