// A histogram of durations that costs a few nanoseconds per value and allocates nothing but its buckets, once: at
// the first value above 0, since of a target's thousands of exports most only answer at once.
//
//   values 0 … 15 ns       one bucket each
//   [2^e, 2^(e+1))         16 buckets of equal width, e = 4 … 43
//
// So a bucket is at most 1/16 of its values wide, and its middle within 3.2 % of each of them. Values
// above 2^44 ns (4.9 hours) land in the last bucket; the greatest value itself is kept exactly.
// Whoever reports converts the buckets to another form (HdrHistogram's, say) then, not here.

const SUB = 16;
const SUB_BITS = 4;
const LARGEST_EXPONENT = 43;
const BUCKETS = (LARGEST_EXPONENT - SUB_BITS + 2) * SUB;
const TOO_LARGE = 2 ** (LARGEST_EXPONENT + 1);

/** Plain JSON; of no value at all there are no times: null. A bucket is [lowest value, first value beyond it, count]; empty ones are left out. */
export interface HistogramSnapshot {
  readonly count: number;
  readonly sum_ns: number;
  readonly min_ns: number | null;
  readonly max_ns: number | null;
  readonly mean_ns: number | null;
  readonly p50_ns: number | null;
  readonly p90_ns: number | null;
  readonly p99_ns: number | null;
  readonly p999_ns: number | null;
  readonly buckets_ns: readonly (readonly [number, number, number])[];
}

export class Histogram {
  count = 0;
  sum = 0;
  min = Infinity;
  max = 0;
  /** Of the values up to 0, which stand in the lowest bucket. */
  private zeros = 0;
  private counts: Uint32Array | null = null;

  private countOf(index: number): number {
    return (this.counts?.[index] ?? 0) + (index === 0 ? this.zeros : 0);
  }

  record(ns: number): void {
    this.count++;
    if (ns <= 0) {
      this.zeros++;
      if (this.min > 0) this.min = 0;
      return;
    }
    this.counts ??= new Uint32Array(BUCKETS);
    const index = bucketOf(ns);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += ns;
    if (ns < this.min) this.min = ns;
    if (ns > this.max) this.max = ns;
  }

  clear(): void {
    this.count = 0;
    this.zeros = 0;
    this.counts?.fill(0);
    this.sum = 0;
    this.min = Infinity;
    this.max = 0;
  }

  /** The middle of the bucket in which the value of rank ceil(`quantile` × count) lies; 0 where empty. */
  quantile(quantile: number): number {
    if (this.count === 0) return 0;
    const rank = Math.max(1, Math.ceil(quantile * this.count));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.countOf(index);
      if (seen < rank) continue;
      const middle = index < SUB ? index : (lowest(index) + lowest(index + 1)) / 2;
      return Math.min(Math.max(middle, this.min), this.max);
    }
    return 0;
  }

  snapshot(): HistogramSnapshot {
    const buckets: [number, number, number][] = [];
    const total = this.count;
    for (let index = 0; index < BUCKETS; index++) {
      const count = this.countOf(index);
      if (count > 0) buckets.push([lowest(index), lowest(index + 1), count]);
    }
    const known = (ns: number): number | null => (total === 0 ? null : ns);
    return {
      count: total,
      sum_ns: this.sum,
      min_ns: known(this.min),
      max_ns: known(this.max),
      mean_ns: known(this.sum / total),
      p50_ns: known(this.quantile(0.5)),
      p90_ns: known(this.quantile(0.9)),
      p99_ns: known(this.quantile(0.99)),
      p999_ns: known(this.quantile(0.999)),
      buckets_ns: buckets,
    };
  }
}

/** Negative values, which only a broken clock makes, count as 0. */
export function bucketOf(ns: number): number {
  if (ns < SUB) return ns > 0 ? ns | 0 : 0;
  if (ns < 0x8000_0000) {
    const exponent = 31 - Math.clz32(ns);
    return ((exponent - SUB_BITS + 1) << SUB_BITS) + ((ns >>> (exponent - SUB_BITS)) & (SUB - 1));
  }
  if (ns >= TOO_LARGE) return BUCKETS - 1;
  // Beyond 31 bits the shift happens on the value over 2^20, which keeps more than its leading five bits.
  const high = (ns / 0x10_0000) | 0;
  const exponent = 31 - Math.clz32(high);
  return (
    ((exponent + 20 - SUB_BITS + 1) << SUB_BITS) + ((high >>> (exponent - SUB_BITS)) & (SUB - 1))
  );
}

/** The lowest value that falls into bucket `index`. */
export function lowest(index: number): number {
  if (index < SUB) return index;
  const exponent = (index >>> SUB_BITS) + SUB_BITS - 1;
  return 2 ** exponent + (index & (SUB - 1)) * 2 ** (exponent - SUB_BITS);
}
