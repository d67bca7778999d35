// When to send again: the round trip of a path, smoothed, and the time-out that follows from it.
//
//   smoothed  += (sample − smoothed) / 8        deviation += (|sample − smoothed| − deviation) / 4
//   RTO        = 2 · smoothed + 8 · deviation, between floor and ceiling, doubled `shift` times
//
// The gains are those of Jacobson and Karels (1988) and RFC 6298; the formula is that of Linux
// (aoecmd.c, rto()), more patient than TCP's, since a target's service time jumps as no router's
// queue does and a retransmitted write costs a hold-back (holdback.ts). Before the first sample the
// RTO is `first`.
//
// Karn's rule in both halves: the caller takes no sample from a command that was sent twice, and the
// doubling stays until a clean sample comes. Many frames may expire at once: each doubles from the
// doubling that it was sent with, so that a burst of losses counts once.
//
// A first transmit whose time-out has passed may only meet a pause (PathSet.mayPause).
//
// The time-out of a frame is the one that is known when it is looked at, not the one at its transmit: a pause that made
// it long is forgotten with the next answers, and a queue that builds up makes it longer in time.

/** Bounds of a time-out, ns. */
export interface RttBounds {
  readonly first: number;
  readonly floor: number;
  readonly ceiling: number;
}

/** No frame is looked at before this, ns, and each is after LATEST: what was slow may have become fast meanwhile. */
const EARLIEST = 100e3;
const LATEST = 10e6;

export const RTT_BOUNDS: RttBounds = { first: 250e6, floor: 1e6, ceiling: 2e9 };

export class Rtt {
  /** ns; 0 before the first sample. */
  smoothed = 0;
  deviation = 0;
  samples = 0;
  /** How many times the RTO is doubled now. */
  shift = 0;
  private readonly bounds: RttBounds;
  private base: number;
  /** Of a frame whose time-out is not doubled. */
  private undoubledLook: number;

  constructor(bounds: RttBounds = RTT_BOUNDS) {
    this.bounds = bounds;
    this.base = bounds.first;
    this.undoubledLook = this.rto();
  }

  /** A round trip of `ns`, of a command that was sent once. */
  sample(ns: number): void {
    if (this.samples === 0) {
      this.smoothed = ns;
      this.deviation = ns / 2;
    } else {
      const error = ns - this.smoothed;
      this.smoothed += error / 8;
      this.deviation += (Math.abs(error) - this.deviation) / 4;
    }
    this.samples++;
    this.shift = 0;
    const { floor, ceiling } = this.bounds;
    this.base = rounded(this.unbounded(), floor, ceiling);
    this.undoubledLook = Math.min(this.base, this.look());
  }

  private unbounded(): number {
    return 2 * this.smoothed + 8 * this.deviation;
  }

  /** A frame that was sent with `shift` doublings got no answer in time. */
  expired(shift: number): void {
    this.shift = Math.max(this.shift, shift + 1);
  }

  /** The time-out of a frame that is sent now, ns. */
  rto(shift = this.shift): number {
    const { ceiling } = this.bounds;
    return Math.min(ceiling, doubled(this.base, shift));
  }

  /**
   * After this a frame that others have overtaken is lost, ns. The floor is for hosts that pause, and there nobody
   * overtakes.
   */
  early(shift: number): number {
    return doubled(Math.max(EARLIEST, Math.round(this.unbounded())), shift);
  }

  /**
   * When a frame of data that is not answered is worth a first look, ns, at its time-out at the latest: few are not
   * answered by then, and those sent after it are.
   */
  firstLook(shift: number): number {
    if (shift === 0) return this.undoubledLook;
    const rto = this.rto(shift);
    return this.samples === 0 ? rto : Math.min(rto, doubled(this.look(), shift));
  }

  private look(): number {
    return rounded(4 * this.smoothed, EARLIEST, LATEST);
  }

  /** The path has changed: what was learned means nothing. */
  reset(): void {
    this.smoothed = 0;
    this.deviation = 0;
    this.samples = 0;
    this.shift = 0;
    this.base = this.bounds.first;
    this.undoubledLook = this.rto();
  }
}

/** `ns` in whole ns, between two bounds that are whole. */
function rounded(ns: number, least: number, most: number): number {
  return ns <= least ? least : ns >= most ? most : Math.round(ns);
}

/** 2^31 times the floor is beyond any ceiling. */
function doubled(ns: number, shift: number): number {
  return shift === 0 ? ns : ns * 2 ** Math.min(31, shift);
}
