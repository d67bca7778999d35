// A run's figures in the shape of fio 3.33's `--output-format=json+`, so that fio's own tools read it
// (fio_jsonplus_clat2csv). Every key of fio's is there in every result; counts and rates of what did not happen
// are 0, and times of it null. What fio has no word for stands in two blocks named `aoe`: one in the job, one at the top.
//
//   due ──▶ submitted ──▶ buffered ──▶ sent ──────────▶ done
//   │ schedule │        slat_ns       │    clat_ns      │
//   │◀──────────────────── lat_ns ───────────────────▶ │
//
// slat_ns: until the frame went to the link (window and buffer wait included). clat_ns: target and
// wire. lat_ns counts from when the command was due.

import type { Histogram } from "../../statistics/histogram.ts";
import { fioBins, PERCENTILES } from "../../statistics/histogram_files.ts";

export interface DirectionFigures {
  readonly ios: number;
  readonly bytes: number;
  readonly slat: Histogram;
  readonly clat: Histogram;
  readonly lat: Histogram;
  /** Commands completed in each of the run's equally long intervals. */
  readonly intervals: readonly number[];
}

export interface RunFigures {
  readonly jobname: string;
  readonly options: Readonly<Record<string, string>>;
  /** Errors: fio's errno of the job; 5 (EIO) where a command failed, 84 (EILSEQ) where a verify did. */
  readonly error: number;
  readonly runtimeNs: number;
  /** From process start to end, ramp included. */
  readonly elapsedNs: number;
  readonly intervalNs: number;
  readonly bs: number;
  readonly iodepth: number;
  readonly read: DirectionFigures;
  readonly write: DirectionFigures;
  /** All directions together: total latency. */
  readonly lat: Histogram;
  /** How many commands were submitted while 1, 2–3, 4–7, 8–15, 16–31, 32–63, ≥ 64 were outstanding. */
  readonly depths: readonly number[];
  readonly userCpuPercent: number;
  readonly systemCpuPercent: number;
  readonly contextSwitches: number;
  readonly majorFaults: number;
  readonly minorFaults: number;
  /** The job's `aoe` block. */
  readonly aoe: Readonly<Record<string, unknown>>;
}

type Json = Record<string, unknown>;

/** fio's figures of one latency, in ns; of no command at all null, where fio writes zeros. */
export function latencyFigures(histogram: Histogram, withBins: boolean): Json {
  const empty = histogram.count === 0;
  const figures: Json = {
    min: histogram.least,
    max: histogram.most,
    mean: histogram.mean(),
    stddev: histogram.standardDeviation(),
    N: histogram.count,
  };
  if (!withBins) return figures;
  const percentile: Record<string, number | null> = {};
  for (const p of PERCENTILES) percentile[p.toFixed(6)] = histogram.percentile(p);
  // fio_jsonplus_clat2csv fails on an empty object, and a key must not vanish.
  return { ...figures, percentile, bins: empty ? { "0": 0 } : fioBins(histogram) };
}

function spread(values: readonly number[]): {
  min: number;
  max: number;
  mean: number;
  dev: number;
} {
  if (values.length === 0) return { min: 0, max: 0, mean: 0, dev: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    min: values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY),
    max: values.reduce((most, value) => Math.max(most, value), 0),
    mean,
    dev: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)),
  };
}

function direction(run: RunFigures, figures: DirectionFigures): Json {
  const seconds = run.runtimeNs / 1e9;
  const perSecond = (amount: number): number => (seconds === 0 ? 0 : amount / seconds);
  const iops = spread(figures.intervals.map((count) => count / (run.intervalNs / 1e9)));
  const kib = (rate: number): number => (rate * run.bs) / 1024;
  return {
    io_bytes: figures.bytes,
    io_kbytes: Math.floor(figures.bytes / 1024),
    bw_bytes: Math.floor(perSecond(figures.bytes)),
    bw: Math.floor(perSecond(figures.bytes) / 1024),
    iops: perSecond(figures.ios),
    runtime: Math.round(run.runtimeNs / 1e6),
    total_ios: figures.ios,
    short_ios: 0,
    drop_ios: 0,
    slat_ns: latencyFigures(figures.slat, true),
    clat_ns: latencyFigures(figures.clat, true),
    lat_ns: latencyFigures(figures.lat, true),
    bw_min: Math.floor(kib(iops.min)),
    bw_max: Math.floor(kib(iops.max)),
    bw_agg: figures.ios === 0 ? 0 : 100,
    bw_mean: kib(iops.mean),
    bw_dev: kib(iops.dev),
    bw_samples: figures.intervals.length,
    iops_min: iops.min,
    iops_max: iops.max,
    iops_mean: iops.mean,
    iops_stddev: iops.dev,
    iops_samples: figures.intervals.length,
  };
}

const NOTHING = { ios: 0, bytes: 0, intervals: [] };

/** fio's three tables: the share of commands whose total latency is below each limit and not below the one before. */
const LATENCY_NS = [2, 4, 10, 20, 50, 100, 250, 500, 750, 1000];
const LATENCY_MS = [2, 4, 10, 20, 50, 100, 250, 500, 750, 1000, 2000];

function latencyTables(histogram: Histogram): Json {
  const bins = Object.entries(fioBins(histogram)).map(
    ([ns, count]) => [Number(ns), count] as const,
  );
  const share = (from: number, to: number): number | null => {
    let count = 0;
    for (const [ns, n] of bins) if (ns >= from && ns < to) count += n;
    return histogram.count === 0 ? null : (100 * count) / histogram.count;
  };
  const table = (limits: readonly number[], unit: number, first: number): Json => {
    const shares: Json = {};
    let from = first;
    for (const limit of limits) {
      shares[String(limit)] = share(from, limit * unit);
      from = limit * unit;
    }
    return shares;
  };
  return {
    latency_ns: table(LATENCY_NS, 1, 0),
    latency_us: table(LATENCY_NS, 1e3, 1e3),
    latency_ms: { ...table(LATENCY_MS, 1e6, 1e6), ">=2000": share(2e9, Number.POSITIVE_INFINITY) },
  };
}

const DEPTHS = ["1", "2", "4", "8", "16", "32", ">=64"];
/** Batch sizes of fio's engine interface, which we have no like of: one command a call. */
const BATCHES = { "0": 0, "4": 100, "8": 0, "16": 0, "32": 0, "64": 0, ">=64": 0 };

export function fioJob(run: RunFigures, empty: Histogram): Json {
  const submitted = run.depths.reduce((sum, count) => sum + count, 0);
  const depthLevel: Json = {};
  DEPTHS.forEach((name, index) => {
    depthLevel[name] = submitted === 0 ? null : (100 * (run.depths[index] ?? 0)) / submitted;
  });
  const none: DirectionFigures = { ...NOTHING, slat: empty, clat: empty, lat: empty };
  return {
    jobname: run.jobname,
    groupid: 0,
    error: run.error,
    eta: 0,
    elapsed: Math.ceil(run.elapsedNs / 1e9),
    // fio-plot leaves a file out whose options lack `numjobs`; it and others group by the engine and the name.
    "job options": { name: run.jobname, ioengine: "aoe", numjobs: "1", ...run.options },
    read: direction(run, run.read),
    write: direction(run, run.write),
    trim: direction({ ...run, runtimeNs: 0 }, none),
    sync: { total_ios: 0, lat_ns: latencyFigures(empty, false) },
    job_runtime: Math.round(run.runtimeNs / 1e6),
    usr_cpu: run.userCpuPercent,
    sys_cpu: run.systemCpuPercent,
    ctx: run.contextSwitches,
    majf: run.majorFaults,
    minf: run.minorFaults,
    iodepth_level: depthLevel,
    iodepth_submit: BATCHES,
    iodepth_complete: BATCHES,
    ...latencyTables(run.lat),
    latency_depth: run.iodepth,
    latency_target: 0,
    latency_percentile: 100,
    latency_window: 0,
    aoe: run.aoe,
  };
}

/** `at` in ms since 1970; `aoe`: schema version and provenance of the whole document. */
export function fioDocument(jobs: readonly Json[], at: number, aoe: Json): Json {
  return {
    // fio's tools look for the key, not for the value.
    "fio version": "aoe bench, in the shape of fio-3.33",
    timestamp: Math.floor(at / 1000),
    timestamp_ms: at,
    time: new Date(at).toString(),
    jobs,
    disk_util: [],
    aoe,
  };
}
