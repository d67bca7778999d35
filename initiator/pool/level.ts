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
    this.peak = this.now;
    this.begun = time;
    this.since = time;
  }

  snapshot(time: number): LevelSnapshot {
    if (this.since < Infinity) this.set(this.now, time);
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

/** Plain JSON: `levels_ns` are [level, time spent at it]; levels never held are left out. */
export interface LevelSnapshot {
  readonly now: number;
  readonly peak: number;
  readonly mean: number;
  readonly duration_ns: number;
  readonly levels_ns: readonly (readonly [number, number])[];
}
