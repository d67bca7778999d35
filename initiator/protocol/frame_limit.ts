// How large the frames of one direction of a path may be: answers to reads, or writes. Either can be lost alone.
//
//   most ── LARGE_LOSSES, small frames heard before and after each of them ──▶ fallen back to SMALL_SECTORS
//    ▲─────── a large frame answered: in time, late, or as a probe (large_probes.ts) ───────┘
//
// A silent target loses large frames as well, and says something small when it is back. So a loss counts only
// where the path was heard before that frame was sent and again since, and no large frame was answered since.
// "Since" may come after the loss: what is heard then counts at the next one.

/** What every AoE link carries: 1024 bytes at an MTU of 1500. */
export const SMALL_SECTORS = 2;
/** Losses of large frames after which they are thought lost. */
const LARGE_LOSSES = 3;
/** When a lost size is first probed, ns, and the longest pause between two probes. */
const FIRST_PROBE = 250e6;
const LONGEST_PAUSE = 60e9;

export class FrameLimit {
  /** Most sectors of a frame. */
  sectors = SMALL_SECTORS;
  /** What target and MTU allow. */
  most = SMALL_SECTORS;
  /** Since when large frames are thought lost or were refused, ns; -1: they are not. */
  fellBackAt = -1;
  probeAt = Infinity;
  private fallBack = SMALL_SECTORS;
  private pause = FIRST_PROBE;
  private restoredAt = -Infinity;
  /** When a large frame was last answered, ns. */
  heardAt = -1;
  /** When the first one since was lost, ns. */
  private suspectedAt = -1;
  /** A small frame was heard then, after that first loss. */
  private provenAt = -1;
  private losses = 0;
  /** When the last frame that was lost was sent, nothing small heard since, ns; Infinity: it was. */
  private unheardSince = Infinity;

  /** Target and MTU allow so many sectors. */
  fit(most: number): void {
    this.most = Math.max(1, most);
    // Where nothing larger may be sent, nothing is lost, and there is nothing to earn back.
    if (this.most <= this.fallBack) this.forget();
    this.sectors = this.fellBackAt < 0 ? this.most : Math.min(this.most, this.fallBack);
  }

  /** MTU or count are others now: what was learned means nothing. */
  forget(): void {
    this.fellBackAt = -1;
    this.probeAt = Infinity;
    this.pause = FIRST_PROBE;
    this.suspectedAt = this.heardAt;
  }

  /** A large frame was answered. */
  heard(now: number): void {
    this.heardAt = now;
    if (this.fellBackAt >= 0) this.restore(now);
  }

  private restore(now: number): void {
    this.restoredAt = now;
    this.fellBackAt = -1;
    this.probeAt = Infinity;
    this.sectors = this.most;
  }

  /** A large frame that was sent at `sentAt` was not answered in time; true: it is time to fall back. */
  lost(sentAt: number, smallHeardAt: number, now: number): boolean {
    if (this.suspectedAt <= this.heardAt) {
      this.suspectedAt = now;
      this.provenAt = -1;
      this.losses = 0;
      this.unheardSince = Infinity;
      return false;
    }
    if (this.provenAt < 0 && smallHeardAt >= this.suspectedAt) this.provenAt = smallHeardAt;
    if (this.provenAt < 0 || sentAt < this.provenAt) return false;
    if (smallHeardAt > this.unheardSince) this.losses++;
    this.unheardSince = smallHeardAt <= sentAt ? sentAt : Infinity;
    if (smallHeardAt > sentAt) this.losses++;
    return this.losses >= LARGE_LOSSES;
  }

  /** Whether a large frame was answered since `sentAt`. */
  heardSince(sentAt: number): boolean {
    return this.heardAt > sentAt;
  }

  /** At most `sectors` a frame from now on. */
  fall(sectors: number, now: number): void {
    if (this.fellBackAt < 0) {
      this.fellBackAt = now;
      // A fall soon after a probe was answered: that one proved little, and the next may wait.
      if (now - this.restoredAt > LONGEST_PAUSE) this.pause = FIRST_PROBE;
      this.probeAt = now + this.pause;
    }
    this.fallBack = sectors;
    this.suspectedAt = this.heardAt;
    this.fit(this.most);
  }

  /** A probe goes out at `now`: when the next one is due. */
  probed(now: number): void {
    this.pause = Math.min(LONGEST_PAUSE, 2 * this.pause);
    this.probeAt = now + this.pause;
  }
}
