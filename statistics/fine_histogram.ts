// Counts of durations in buckets that grow with the duration: HdrHistogram's layout with three
// significant digits, as one typed array, so that recording costs 3–5 ns and allocates nothing
// (hdr-histogram-js: 35 ns). What is written down at the end goes through hdr-histogram-js, whose
// .hgrm and .hlog files existing viewers open.
//
//   index   0 … 2047          one bucket a nanosecond
//           2048 … 3071       2048 … 4095 ns, two ns a bucket
//           3072 … 4095       4096 … 8191 ns, four ns a bucket, and so on: 1024 a doubling
//
// fio's bins (64 a doubling) are unions of whole buckets of this layout, so `fioBins` is exact.

import { build, HistogramLogWriter, type Histogram as HdrHistogram } from "hdr-histogram-js";

const LINEAR_BITS = 11;
const LINEAR = 1 << LINEAR_BITS;
const HALF = LINEAR >> 1;
/** Doublings behind the linear part: the last bucket ends at 2^42 ns, 73 minutes. */
const DOUBLINGS = 31;
const BUCKETS = LINEAR + DOUBLINGS * HALF;
const HIGHEST = 2 ** (LINEAR_BITS + DOUBLINGS) - 1;
const FIO_BITS = 6;

/** Reciprocals of the bucket widths: a multiplication is cheaper than a division. */
const PER_BUCKET = Float64Array.from({ length: DOUBLINGS + 1 }, (_, shift) => 2 ** -shift);

/** fio's own list (its manual, percentile_list). */
export const PERCENTILES = [
  1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99,
] as const;

/** The bucket of a duration in whole ns, at most HIGHEST. */
export function bucketOf(ns: number): number {
  if (ns < LINEAR) return ns | 0;
  const exponent = ns < 4_294_967_296 ? 31 - Math.clz32(ns) : 63 - Math.clz32(ns / 4_294_967_296);
  const shift = exponent - (LINEAR_BITS - 1);
  return shift * HALF + Math.floor(ns * (PER_BUCKET[shift] ?? 0));
}

/** The least duration of a bucket, ns. */
export function bucketStart(index: number): number {
  if (index < LINEAR) return index;
  const shift = Math.floor(index / HALF) - 1;
  return (index - shift * HALF) * 2 ** shift;
}

export class Histogram {
  readonly counts = new Float64Array(BUCKETS);
  count = 0;
  min = Number.POSITIVE_INFINITY;
  max = 0;
  sum = 0;
  sumOfSquares = 0;

  /** Durations below 0 count as 0, above 2^42 ns as that. */
  record(ns: number): void {
    this.count++;
    // What most parts of a command's way are on a path that is free.
    if (ns <= 0) {
      this.counts[0] = (this.counts[0] ?? 0) + 1;
      this.min = 0;
      return;
    }
    const value = ns > HIGHEST ? HIGHEST : Math.floor(ns);
    const index = bucketOf(value);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += value;
    this.sumOfSquares += value * value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }

  add(other: Histogram): void {
    for (let index = 0; index < BUCKETS; index++) {
      const count = other.counts[index] ?? 0;
      if (count > 0) this.counts[index] = (this.counts[index] ?? 0) + count;
    }
    this.count += other.count;
    this.sum += other.sum;
    this.sumOfSquares += other.sumOfSquares;
    this.min = Math.min(this.min, other.min);
    this.max = Math.max(this.max, other.max);
  }

  /** [least duration, count] of every bucket that has any, ascending. */
  buckets(): [number, number][] {
    const buckets: [number, number][] = [];
    for (let index = 0; index < BUCKETS; index++) {
      const count = this.counts[index] ?? 0;
      if (count > 0) buckets.push([bucketStart(index), count]);
    }
    return buckets;
  }

  /** Adds what `buckets` of another told; only counts and percentiles are exact then, no sums. */
  addBuckets(buckets: readonly (readonly [number, number])[]): void {
    for (const [start, count] of buckets) {
      const index = bucketOf(start);
      this.counts[index] = (this.counts[index] ?? 0) + count;
      this.count += count;
      this.sum += start * count;
      this.min = Math.min(this.min, start);
      this.max = Math.max(this.max, bucketStart(index + 1) - 1);
    }
  }

  reset(): void {
    // No further than something was counted: this stands between a ramp and its measured time.
    if (this.count > 0) this.counts.fill(0, 0, bucketOf(this.max) + 1);
    this.count = 0;
    this.min = Number.POSITIVE_INFINITY;
    this.max = 0;
    this.sum = 0;
    this.sumOfSquares = 0;
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
    const variance = (this.sumOfSquares - this.sum * mean) / (this.count - 1);
    return Math.sqrt(Math.max(0, variance));
  }

  /** The least value that `percentile` % of all are not above, to a bucket's width; null when empty. */
  percentile(percentile: number): number | null {
    if (this.count === 0) return null;
    // A hair less than the product: 99.9 % of 1000 must be 999, not 999.0000000000001.
    const wanted = Math.max(1, Math.ceil((percentile / 100) * this.count - 1e-9));
    let seen = 0;
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.counts[index] ?? 0;
      if (seen >= wanted) return Math.min(bucketStart(index + 1) - 1, this.max);
    }
    return this.max;
  }
}

/** fio's bin for a duration: its middle, ns (stat.c, plat_idx_to_val). */
export function fioBin(ns: number): number {
  if (ns < 1 << FIO_BITS) return Math.floor(ns);
  const width = 2 ** (Math.floor(Math.log2(ns)) - FIO_BITS);
  return (Math.floor(ns / width) + 0.5) * width;
}

/** Counts in fio's bins, key: the bin's middle in ns, ascending. */
export function fioBins(histogram: Histogram): Record<string, number> {
  const bins: Record<string, number> = {};
  for (let index = 0; index < BUCKETS; index++) {
    const count = histogram.counts[index] ?? 0;
    if (count === 0) continue;
    // fio's widths are whole numbers; below 128 ns the half falls away.
    const key = String(Math.floor(fioBin(bucketStart(index))));
    bins[key] = (bins[key] ?? 0) + count;
  }
  return bins;
}

/** The same counts as a histogram of hdr-histogram-js, whose maximum is ours; the caller may destroy it. */
export function toHdr(histogram: Histogram): HdrHistogram {
  const hdr = build({
    bitBucketSize: 64,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST,
    numberOfSignificantValueDigits: 3,
  });
  const last = bucketOf(histogram.max);
  for (let index = 0; index <= last; index++) {
    const count = histogram.counts[index] ?? 0;
    const value = index === last ? histogram.max : bucketStart(index);
    if (count > 0) hdr.recordValueWithCount(value, count);
  }
  return hdr;
}

/** Both formats take what stands behind a `#` for a comment. */
const NO_DATA = "[No data: nothing was measured]";

/** A percentile distribution as HdrHistogram's plotter reads it, in microseconds. */
export function toHgrm(histogram: Histogram): string {
  if (histogram.count === 0) return `#${NO_DATA}\n`;
  return toHdr(histogram).outputPercentileDistribution(5, 1000);
}

/** An interval of a log: `start` and `end` in ns since the run began. */
export interface LoggedInterval {
  readonly start: number;
  readonly end: number;
  readonly histogram: Histogram;
}

/** A histogram log (format 1.3), values in ns, times in seconds since `startedAt` (ms since 1970). */
export function toHlog(intervals: readonly LoggedInterval[], startedAt: number): string {
  let text = "";
  const writer = new HistogramLogWriter((part: string) => {
    text += part;
  });
  writer.outputComment("[Logged with aoe bench load]");
  writer.outputLogFormatVersion();
  writer.outputStartTime(startedAt);
  writer.outputLegend();
  for (const { start, end, histogram } of intervals) {
    if (histogram.count === 0) writer.outputComment(NO_DATA);
    else writer.outputIntervalHistogram(toHdr(histogram), start / 1e9, end / 1e9, 1e6);
  }
  return text;
}
