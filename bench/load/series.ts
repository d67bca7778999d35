// What the pool did over the measured time: a row of numbers at equal distances, in columns, so that a
// report can draw them and a file stays small. Room for all is made at the start: sampling allocates nothing.
//
//   at_ns          1·d      2·d      3·d   …   runtime        from the measured time's begin
//   completed       …  counts since that begin (dry, kicks, kick_stall_ns, allocations, retransmits, cpu_ns too)
//   pool_length     …  as they were at that moment (owned, pinned_only, outstanding, window too)
//   owned_least     …  since the sample before, every change counted (mean, most; held, extra)
//
// A sample is taken when the loop turns next, so `at_ns` says when it really was. A stall is told when the kick that
// ended it fires, or at the end where none has; what of it was before the measured time is not. Beyond MOST_STALLS they
// are only counted.
import { median, quantile, sorted } from "../../statistics/quantile.ts";
import type { Level, LevelSlot } from "../../initiator/pool/level.ts";
import type { PoolLevels, PoolMetrics } from "../../initiator/pool/snapshot.ts";

export const SAMPLES = 200;
const MOST_STALLS = 1000;
/** Commands that an interval needs for a reliable cost: getrusage counts microseconds. */
const FEWEST = 100;

const COLUMNS = [
  "at_ns",
  "completed",
  "dry",
  "kicks",
  "kick_stall_ns",
  "allocations",
  "retransmits",
  "pool_length",
  "owned",
  "pinned_only",
  "outstanding",
  "window",
  "cpu_ns",
  "owned_least",
  "owned_mean",
  "owned_most",
  "held_least",
  "held_mean",
  "held_most",
  "extra_least",
  "extra_mean",
  "extra_most",
] as const;
export type SeriesColumn = (typeof COLUMNS)[number];
export type SeriesTable = Readonly<Record<SeriesColumn, readonly number[]>>;

/** Where the numbers come from; all of it is read, nothing kept. */
export interface SeriesSource {
  readonly metrics: Pick<
    PoolMetrics,
    | "dry"
    | "kicks"
    | "kickStall"
    | "kickedAt"
    | "stalledSince"
    | "allocations"
    | "poolLength"
    | "pinnedOnly"
  > &
    PoolLevels;
  readonly owned: number;
  readonly completed: number;
  readonly outstanding: number;
  readonly retransmits: number;
  readonly window: number;
  /** CPU time of this process so far. */
  readonly cpu: number;
}

export class Series {
  private readonly columns = new Map<SeriesColumn, Float64Array>(
    COLUMNS.map((column) => [column, new Float64Array(SAMPLES)]),
  );
  private readonly stalls = new Float64Array(2 * MOST_STALLS);
  /** Commands that had ended when each of the kicks fired. */
  private readonly endedAt = new Float64Array(MOST_STALLS);
  private stallCount = 0;
  private kickCount = 0;
  private length = 0;
  private begun = Infinity;
  private every = 0;
  private end = Infinity;
  /** When the next sample is due, ns; Infinity: not begun, or complete. */
  due = Infinity;
  private dry = 0;
  private kicks = 0;
  private kickStall = 0;
  private allocations = 0;
  private retransmits = 0;
  private cpu = 0;
  private seenKicks = 0;
  private readonly slot: LevelSlot = { least: 0, mean: 0, most: 0 };
  private seenStall = 0;

  /** The measured time begins at `now` and lasts `runtime` ns; what was seen before is forgotten. */
  begin(source: SeriesSource, now: number, runtime: number): void {
    const { metrics } = source;
    this.length = 0;
    this.stallCount = 0;
    this.kickCount = 0;
    this.begun = now;
    this.every = runtime / SAMPLES;
    this.due = now + this.every;
    this.end = now + 1.01 * runtime;
    this.dry = metrics.dry;
    this.kicks = this.seenKicks = metrics.kicks;
    this.kickStall = this.seenStall = metrics.kickStall;
    this.allocations = metrics.allocations;
    this.retransmits = source.retransmits;
    this.cpu = source.cpu;
    for (const level of [metrics.occupancy, metrics.held, metrics.extra]) {
      level.slot(now, this.slot);
    }
  }

  /** To be called at each turn of the loop while it is measured. */
  look(source: SeriesSource, now: number): void {
    if (now < this.begun || now >= this.end) return;
    const { metrics } = source;
    if (metrics.kicks !== this.seenKicks) {
      const { kickedAt } = metrics;
      const duration = metrics.kickStall - this.seenStall;
      const before = Math.max(0, this.begun - (kickedAt - duration));
      // What was before the measured time is none of its stall.
      this.kickStall += before;
      if (this.kickCount < MOST_STALLS) this.endedAt[this.kickCount] = source.completed;
      this.kickCount++;
      this.addStall(kickedAt, duration - before);
      this.seenKicks = metrics.kicks;
      this.seenStall = metrics.kickStall;
    }
    if (now < this.due) return;
    this.put("at_ns", now - this.begun);
    this.put("completed", source.completed);
    this.put("dry", metrics.dry - this.dry);
    this.put("kicks", metrics.kicks - this.kicks);
    this.put("kick_stall_ns", metrics.kickStall - this.kickStall + this.openStall(metrics, now));
    this.put("allocations", metrics.allocations - this.allocations);
    this.put("retransmits", source.retransmits - this.retransmits);
    this.put("pool_length", metrics.poolLength);
    this.put("owned", source.owned);
    this.put("pinned_only", metrics.pinnedOnly);
    this.put("outstanding", source.outstanding);
    this.put("window", source.window);
    this.put("cpu_ns", source.cpu - this.cpu);
    this.putSlot("owned", metrics.occupancy, now);
    this.putSlot("held", metrics.held, now);
    this.putSlot("extra", metrics.extra, now);
    this.length++;
    // Where the loop was away for longer than a distance, the samples in between are not made up.
    while (this.due <= now) this.due += this.every;
    if (this.length >= SAMPLES || this.due > this.begun + (SAMPLES + 0.5) * this.every) {
      this.due = Infinity;
    }
  }

  /** The measured time is over at `now`: the last sample, and the stall that no kick has ended yet. */
  finish(source: SeriesSource, now: number): void {
    this.look(source, now);
    if (source.metrics.stalledSince >= 0) this.addStall(now, this.openStall(source.metrics, now));
  }

  /** How long the stall that lasts has been, as far as it is measured. */
  private openStall({ stalledSince }: SeriesSource["metrics"], now: number): number {
    return stalledSince < 0 ? 0 : now - Math.max(stalledSince, this.begun);
  }

  /** `duration` ns up to `end`. */
  private addStall(end: number, duration: number): void {
    if (this.stallCount < MOST_STALLS) {
      this.stalls[2 * this.stallCount] = end - duration - this.begun;
      this.stalls[2 * this.stallCount + 1] = duration;
    }
    this.stallCount++;
  }

  private putSlot(name: "owned" | "held" | "extra", level: Level, now: number): void {
    const { slot } = this;
    level.slot(now, slot);
    this.put(`${name}_least`, slot.least);
    this.put(`${name}_mean`, Math.round(1000 * slot.mean) / 1000);
    this.put(`${name}_most`, slot.most);
  }

  private put(column: SeriesColumn, value: number): void {
    const values = this.columns.get(column);
    if (values !== undefined) values[this.length] = value;
  }

  /** [begin, duration] of each stall, ns from the measured time's begin; and how many there were. */
  stallTable(): { readonly stalls: (readonly [number, number])[]; readonly count: number } {
    const kept = Math.min(this.stallCount, MOST_STALLS);
    return {
      stalls: Array.from({ length: kept }, (_, at) => [
        Math.round(this.stalls[2 * at] ?? 0),
        Math.round(this.stalls[2 * at + 1] ?? 0),
      ]),
      count: this.stallCount,
    };
  }

  /**
   * Commands that ended from one kick to the next, the median; null: fewer than two kicks. Not the mean: a single
   * answer that comes after the link's release sends all buffers once more.
   */
  kickCommands(): number | null {
    const ended = this.endedAt.subarray(0, Math.min(this.kickCount, MOST_STALLS));
    const each = Array.from(ended.subarray(1), (commands, at) => commands - (ended[at] ?? 0));
    return each.length === 0 ? null : median(each);
  }

  /**
   * CPU time of a command in a quiet interval: the 10th percentile over samples. Neighbours that fill
   * the caches or share the core make intervals more expensive, none makes one cheaper. null: not known.
   */
  quietCpu(): number | null {
    const completed = this.columns.get("completed") ?? new Float64Array(0);
    const cpu = this.columns.get("cpu_ns") ?? new Float64Array(0);
    const costs: number[] = [];
    for (let at = 1; at < this.length; at++) {
      const commands = (completed[at] ?? 0) - (completed[at - 1] ?? 0);
      if (commands >= FEWEST) costs.push(((cpu[at] ?? 0) - (cpu[at - 1] ?? 0)) / commands);
    }
    return costs.length < 10 ? null : quantile(sorted(costs), 0.1);
  }

  table(): SeriesTable {
    const columns = COLUMNS.map((column) => [
      column,
      Array.from(this.columns.get(column) ?? []).slice(0, this.length),
    ]);
    return Object.fromEntries(columns) as SeriesTable;
  }
}
