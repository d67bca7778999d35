// What a histogram is written down as: fio's bins, and through hdr-histogram-js .hgrm and .hlog files, which existing
// viewers open. The buckets of FINE are HdrHistogram's with three significant digits; fio's bins (64 a doubling) are
// unions of whole buckets, so `fioBins` is exact.

import { build, HistogramLogWriter, type Histogram as HdrHistogram } from "hdr-histogram-js";

import { HIGHEST, type Histogram } from "./histogram.ts";

const FIO_BITS = 6;

/** fio's own list (its manual, percentile_list). */
export const PERCENTILES = [
  1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.5, 99.9, 99.95, 99.99,
] as const;

/** fio's bin for a duration: its middle, ns (stat.c, plat_idx_to_val). */
export function fioBin(ns: number): number {
  if (ns < 1 << FIO_BITS) return Math.floor(ns);
  const width = 2 ** (Math.floor(Math.log2(ns)) - FIO_BITS);
  return (Math.floor(ns / width) + 0.5) * width;
}

/** Counts in fio's bins, key: the bin's middle in ns, ascending. */
export function fioBins(histogram: Histogram): Record<string, number> {
  const bins: Record<string, number> = {};
  for (const [start, count] of histogram.buckets()) {
    // fio's widths are whole numbers; below 128 ns the half falls away.
    const key = String(Math.floor(fioBin(start)));
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
  const buckets = histogram.buckets();
  for (const [at, [start, count]] of buckets.entries()) {
    hdr.recordValueWithCount(at === buckets.length - 1 ? histogram.max : start, count);
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
