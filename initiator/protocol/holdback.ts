// The write hold-back: what keeps a late copy of an old write from undoing a newer one
// (protocol.md, "The stale duplicate write").
//
//   W1 ──sent──────sent again────────answered          W1's range is barred
//                       └──────────── packet life ─────────────┘└─ W2 may go
//
// A write that was sent more than once, or given up, bars its range for as long as it is
// outstanding and then until the packet life has passed since its LAST copy was sent. Answers are
// not counted: two may come from one copy while the other still travels. The pieces of the same
// command pass its own bar.

export interface Bar {
  lba: number;
  sectors: number;
  /** ns; Infinity while the write is outstanding. */
  until: number;
  /** The command whose own frames may pass; null once it has ended. */
  owner: object | null;
}

export class Holdback {
  /** Bars that stand now; 0: nothing needs a look. */
  size = 0;
  private readonly life: number;
  private readonly bars: Bar[] = [];

  /** `life`: the maximum packet life, ns. */
  constructor(life: number) {
    this.life = life;
  }

  /** Bars a range of an outstanding write; returns the bar, for `end`. */
  begin(lba: number, sectors: number, owner: object | null): Bar {
    const bar = this.bars[this.size] ?? { lba: 0, sectors: 0, until: 0, owner: null };
    this.bars[this.size++] = bar;
    bar.lba = lba;
    bar.sectors = sectors;
    bar.until = Infinity;
    bar.owner = owner;
    return bar;
  }

  /** The write is no longer outstanding; its last copy was sent at `lastSentAt`. */
  end(bar: Bar, lastSentAt: number): void {
    bar.until = lastSentAt + this.life;
  }

  /** The write can't have left a copy behind. */
  lift(bar: Bar): void {
    bar.until = -Infinity;
  }

  /** `owner` has ended: what its frames have barred holds for every later command. */
  disown(owner: object): void {
    for (let index = 0; index < this.size; index++) {
      const bar = this.bars[index] as Bar;
      if (bar.owner === owner) bar.owner = null;
    }
  }

  /** When a write of `owner` may go: a time <= now: at once; Infinity: only after a frame has ended. */
  until(lba: number, sectors: number, owner: object, now: number): number {
    this.expire(now);
    let until = now;
    for (let index = 0; index < this.size; index++) {
      const bar = this.bars[index] as Bar;
      if (bar.owner === owner) continue;
      if (lba >= bar.lba + bar.sectors || bar.lba >= lba + sectors) continue;
      if (bar.until > until) until = bar.until;
    }
    return until;
  }

  /** When the first bar falls, ns; Infinity: none will by time alone. */
  next(now: number): number {
    this.expire(now);
    let next = Infinity;
    for (let index = 0; index < this.size; index++) {
      next = Math.min(next, (this.bars[index] as Bar).until);
    }
    return next;
  }

  private expire(now: number): void {
    for (let index = this.size - 1; index >= 0; index--) {
      const bar = this.bars[index] as Bar;
      if (bar.until > now) continue;
      // The object stays for the next `begin`: it is nobody's, since only outstanding frames hold one.
      this.bars[index] = this.bars[--this.size] as Bar;
      this.bars[this.size] = bar;
      bar.owner = null;
    }
  }
}
