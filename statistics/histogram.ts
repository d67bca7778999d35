// Counts of durations in buckets that grow with the duration. To record one costs a few nanoseconds and allocates
// nothing but the buckets, once. With b bits of precision:
//
//   values 0 … 2^b - 1 ns    one bucket each
//   [2^e, 2^(e+1))           2^b buckets of equal width, e = b … 43
//
//   COARSE, b = 4     656 buckets; the middle of one is within 3.2 % of each of its values
//   FINE,   b = 10    35,840 buckets; three significant digits (HdrHistogram's layout)

/** Of a target's thousands of exports most answer only at once: its buckets are made at the first value above 0. */
export const COARSE = 4;
/** Its buckets are made at once: no measurement pays for them. */
export const FINE = 10;

const DOUBLINGS = 44;
/** Of no value: shared by all that have none, and never written. */
const NONE = Float64Array.of(0, 0, Infinity, 0);
const SUM = 0;
const SQUARES = 1;
const LEAST = 2;
const MOST = 3;
/** What is longer, 4.9 hours, counts as this. */
export const HIGHEST = 2 ** DOUBLINGS - 1;

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

/** The bucket of a duration in whole ns, 0 to HIGHEST. */
export function bucketOf(ns: number, bits: number): number {
  if (ns < 0x8000_0000) {
    // Below 2^bits each value has a bucket of its own.
    const shift = 31 - Math.clz32(ns) - bits;
    return shift <= 0 ? ns | 0 : (shift << bits) + (ns >>> shift);
  }
  // Beyond 31 bits the shift happens on the value over 2^20, which keeps more than its leading eleven bits.
  const high = (ns / 0x10_0000) | 0;
  const shift = 31 - Math.clz32(high) - bits;
  return ((shift + 20) << bits) + (high >>> shift);
}

/** The least duration of a bucket, ns. */
export function bucketStart(index: number, bits: number): number {
  const shift = Math.max(0, (index >>> bits) - 1);
  return (index - (shift << bits)) * 2 ** shift;
}

export class Histogram {
  readonly bits: number;
  /** Values up to 0, which stand in the lowest bucket, and those above. */
  private zeros = 0;
  private above = 0;
  /** Of those above 0, at SUM, SQUARES, LEAST, MOST. In fields they would cost more. */
  private moments = NONE;
  private counts: Uint32Array | null = null;

  constructor(bits: typeof COARSE | typeof FINE = FINE) {
    this.bits = bits;
    if (bits === FINE) this.make();
  }

  private make(): Uint32Array {
    this.counts = new Uint32Array((DOUBLINGS - this.bits + 1) << this.bits);
    this.moments = Float64Array.from(NONE);
    return this.counts;
  }

  get count(): number {
    return this.zeros + this.above;
  }

  get min(): number {
    return this.zeros > 0 ? 0 : (this.moments[LEAST] as number);
  }

  get max(): number {
    return this.moments[MOST] as number;
  }

  get sum(): number {
    return this.moments[SUM] as number;
  }

  /** It is known from elsewhere that no value was above `ns`: a bucket tells less. */
  bound(ns: number): void {
    if (ns < this.max) this.moments[MOST] = ns;
  }

  /** Durations below 0, which only a broken clock makes, count as 0. */
  record(ns: number): void {
    // What most parts of a command's way take where the path is free.
    if (!(ns > 0)) {
      this.zeros++;
      return;
    }
    this.above++;
    const value = Math.min(ns, HIGHEST);
    const counts = this.counts ?? this.make();
    const index = bucketOf(value, this.bits);
    counts[index] = (counts[index] ?? 0) + 1;
    const { moments } = this;
    moments[SUM] = (moments[SUM] as number) + value;
    moments[SQUARES] = (moments[SQUARES] as number) + value * value;
    if (value < (moments[LEAST] as number)) moments[LEAST] = value;
    if (value > (moments[MOST] as number)) moments[MOST] = value;
  }

  add(other: Histogram): void {
    const [sum = 0, squares = 0, least = 0, most = 0] = this.moments;
    const [otherSum = 0, otherSquares = 0, otherLeast = 0, otherMost = 0] = other.moments;
    this.addBuckets(other.buckets());
    this.moments[SUM] = sum + otherSum;
    this.moments[SQUARES] = squares + otherSquares;
    this.moments[LEAST] = Math.min(least, otherLeast);
    this.moments[MOST] = Math.max(most, otherMost);
  }

  /** Adds what `buckets` of another of this precision told; only counts and percentiles are exact then, no sums. */
  addBuckets(buckets: readonly (readonly [number, number])[]): void {
    const counts = this.counts ?? this.make();
    const { moments } = this;
    for (const [start, count] of buckets) {
      const index = bucketOf(start, this.bits);
      if (index === 0) {
        this.zeros += count;
        continue;
      }
      counts[index] = (counts[index] ?? 0) + count;
      this.above += count;
      moments[SUM] = (moments[SUM] as number) + start * count;
      moments[LEAST] = Math.min(moments[LEAST] as number, start);
      const last = bucketStart(index + 1, this.bits) - 1;
      moments[MOST] = Math.max(moments[MOST] as number, last);
    }
  }

  reset(): void {
    // No further than something was counted: this stands between a ramp and its measured time.
    if (this.counts !== null) {
      this.counts.fill(0, 0, bucketOf(this.max, this.bits) + 1);
      this.moments.set(NONE);
    }
    this.zeros = 0;
    this.above = 0;
  }

  /** [least duration, count] of every bucket that has any, ascending. */
  buckets(): [number, number][] {
    const buckets: [number, number][] = [];
    const last = bucketOf(this.max, this.bits);
    for (let index = 0; index <= last; index++) {
      const count = this.countOf(index);
      if (count > 0) buckets.push([bucketStart(index, this.bits), count]);
    }
    return buckets;
  }

  private countOf(index: number): number {
    return (this.counts?.[index] ?? 0) + (index === 0 ? this.zeros : 0);
  }

  // Of nothing there is no least, mean or percentile: null, and nobody takes it for a short time.

  get least(): number | null {
    return this.count === 0 ? null : this.min;
  }

  get most(): number | null {
    return this.count === 0 ? null : this.max;
  }

  mean(): number | null {
    return this.count === 0 ? null : this.sum / this.count;
  }

  /** Of the sample (n − 1), as fio has it; of a single value 0. */
  standardDeviation(): number | null {
    const mean = this.mean();
    if (mean === null || this.count === 1) return mean === null ? null : 0;
    const variance = ((this.moments[SQUARES] as number) - this.sum * mean) / (this.count - 1);
    return Math.sqrt(Math.max(0, variance));
  }

  /** The least value that `percentile` % of all are not above, to a bucket's width; null when empty. */
  percentile(percentile: number): number | null {
    const index = this.bucketAt(percentile);
    return index === null ? null : Math.min(bucketStart(index + 1, this.bits) - 1, this.max);
  }

  /** The middle of the bucket in which that value lies; null when empty. */
  middle(percentile: number): number | null {
    const index = this.bucketAt(percentile);
    if (index === null) return null;
    const start = bucketStart(index, this.bits);
    const end = bucketStart(index + 1, this.bits);
    const middle = end - start === 1 ? start : (start + end) / 2;
    return Math.min(Math.max(middle, this.min), this.max);
  }

  private bucketAt(percentile: number): number | null {
    if (this.count === 0) return null;
    // A hair less than the product: 99.9 % of 1000 must be 999, not 999.0000000000001.
    const wanted = Math.max(1, Math.ceil((percentile / 100) * this.count - 1e-9));
    const last = bucketOf(this.max, this.bits);
    let seen = this.countOf(0);
    let index = 0;
    while (seen < wanted && index < last) seen += this.countOf(++index);
    return index;
  }

  snapshot(): HistogramSnapshot {
    return {
      count: this.count,
      sum_ns: this.sum,
      min_ns: this.least,
      max_ns: this.most,
      mean_ns: this.mean(),
      p50_ns: this.middle(50),
      p90_ns: this.middle(90),
      p99_ns: this.middle(99),
      p999_ns: this.middle(99.9),
      buckets_ns: this.buckets().map(([start, count]) => [
        start,
        bucketStart(bucketOf(start, this.bits) + 1, this.bits),
        count,
      ]),
    };
  }
}
