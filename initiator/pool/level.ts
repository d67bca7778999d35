// A number of things that changes over time, and for how long it had each value.
//
//   level  3 ┤      ┌──┐
//          2 ┤   ┌──┘  └──────      at[2] = the two times at 2 together, in ns
//          1 ┤───┘                  mean  = Σ level × at[level] / Σ at[level]
//
// Room for `most` levels is made at the start; where there is no bound it grows by doubling, which is
// the only allocation.

export class Level {
  now = 0;
  peak = 0;
  private at: Float64Array;
  private begun = 0;
  /** Up to when `at` counts; Infinity: not begun. */
  private since = Infinity;
  /** `at` when `slot` was last asked for; none of it: never. */
  private seen = new Float64Array(0);

  constructor(most: number) {
    this.at = new Float64Array(Math.min(most, 1023) + 1);
  }

  /** The level is `value` from `time` (ns) on. */
  set(value: number, time: number): void {
    const duration = time - this.since;
    if (duration > 0) {
      this.at[this.now] = (this.at[this.now] ?? 0) + duration;
      this.since = time;
    } else if (duration === -Infinity) {
      this.begun = time;
      this.since = time;
    }
    this.now = value;
    if (value > this.peak) this.rise(value);
  }

  /** Starts again at `time`, at the level that holds. */
  clear(time: number): void {
    this.at.fill(0);
    this.seen.fill(0);
    this.peak = this.now;
    this.begun = time;
    this.since = time;
  }

  /** What it was since the last call, every change counted that lasted; the first allocates. */
  slot(time: number, into: LevelSlot): void {
    this.upTo(time);
    if (this.seen.length < this.at.length) {
      const wider = new Float64Array(this.at.length);
      wider.set(this.seen);
      this.seen = wider;
    }
    let [area, duration, least] = [0, 0, -1];
    into.most = this.now;
    for (let level = 0; level < this.at.length; level++) {
      const ns = (this.at[level] ?? 0) - (this.seen[level] ?? 0);
      if (ns <= 0) continue;
      if (least < 0) least = level;
      into.most = level;
      area += level * ns;
      duration += ns;
      this.seen[level] = this.at[level] ?? 0;
    }
    into.least = least < 0 ? this.now : least;
    into.mean = duration === 0 ? this.now : area / duration;
  }

  private upTo(time: number): void {
    if (this.since < Infinity) this.set(this.now, time);
  }

  snapshot(time: number): LevelSnapshot {
    this.upTo(time);
    const levels: [number, number][] = [];
    let area = 0;
    this.at.forEach((ns, level) => {
      if (ns > 0) levels.push([level, ns]);
      area += level * ns;
    });
    const duration = this.since < Infinity ? this.since - this.begun : 0;
    return {
      now: this.now,
      peak: this.peak,
      mean: duration === 0 ? this.now : area / duration,
      duration_ns: duration,
      levels_ns: levels,
    };
  }

  private rise(value: number): void {
    this.peak = value;
    if (value < this.at.length) return;
    const wider = new Float64Array(Math.max(value + 1, this.at.length * 2));
    wider.set(this.at);
    this.at = wider;
  }
}

export interface LevelSlot {
  least: number;
  mean: number;
  most: number;
}

/** Plain JSON: `levels_ns` are [level, time spent at it]; levels never held are left out. */
export interface LevelSnapshot {
  readonly now: number;
  readonly peak: number;
  readonly mean: number;
  readonly duration_ns: number;
  readonly levels_ns: readonly (readonly [number, number])[];
}
