// Thresholds of a job file: what a run has to keep, judged on the median over a cell's trials.
//
//   thresholds = ["lat.p99<2ms", "iops>=50000", "retransmits<=0"]
//   METRIC  <  <=  >  >=  VALUE       durations need a unit, as everywhere
//
// No data is a failure: a threshold that nothing was measured for was not kept.

import { usage } from "../../words/failure.ts";
import { formatDuration, parseDuration } from "../../words/quantity.ts";
import type { Figures, ThresholdResult, Trial } from "../result.ts";
import { median } from "../statistics/quantile.ts";

interface Metric {
  readonly of: (figures: Figures) => number | null;
  readonly duration?: true;
}

export const THRESHOLD_METRICS: Readonly<Record<string, Metric>> = {
  iops: { of: (figures) => figures.iops },
  "lat.mean": { of: (figures) => figures.lat_mean_ns, duration: true },
  "lat.p50": { of: (figures) => figures.lat_p50_ns, duration: true },
  "lat.p90": { of: (figures) => figures.lat_p90_ns, duration: true },
  "lat.p99": { of: (figures) => figures.lat_p99_ns, duration: true },
  "lat.p999": { of: (figures) => figures.lat_p999_ns, duration: true },
  "lat.max": { of: (figures) => figures.lat_max_ns, duration: true },
  "buffer_wait.mean": { of: (figures) => figures.buffer_wait_mean_ns, duration: true },
  "buffer_wait.p99": { of: (figures) => figures.buffer_wait_p99_ns, duration: true },
  cpu_per_command: { of: (figures) => figures.cpu_per_command_ns, duration: true },
  kick_stall: { of: (figures) => figures.kick_stall_ns, duration: true },
  pool_length: { of: (figures) => figures.pool_length_peak },
  allocations: { of: (figures) => figures.allocations },
  dry: { of: (figures) => figures.dry },
  kicks: { of: (figures) => figures.kicks },
  retransmits: { of: (figures) => figures.retransmits },
  receive_drops: { of: (figures) => figures.receive_drops },
  failures: { of: (figures) => figures.failures },
  mismatches: { of: (figures) => figures.mismatches },
};

const OPERATORS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

interface Threshold {
  readonly metric: Metric;
  readonly holds: (value: number) => boolean;
}

/** Throws a usage Failure that says which of metric, operator and value is wrong. */
export function parseThreshold(text: string): Threshold {
  const match = /^\s*([\w.]+)\s*(<=|>=|<|>)\s*(\S+)\s*$/.exec(text);
  if (match === null) {
    throw usage(
      `Expected \`thresholds\` to be like lat.p99<2ms: a metric, one of < <= > >=, a value; got \`${text}\``,
    );
  }
  const [, name = "", operator = "", value = ""] = match;
  const metric = THRESHOLD_METRICS[name];
  if (metric === undefined) {
    throw usage(
      `Expected the metric of \`thresholds\` to be one of ${Object.keys(THRESHOLD_METRICS).join(" ")}, got \`${name}\``,
    );
  }
  const limit =
    metric.duration === true ? parseDuration(value, `thresholds ${name}`) : Number(value);
  if (!Number.isFinite(limit)) {
    throw usage(`Expected \`thresholds ${name}\` to be compared with a number, got \`${value}\``);
  }
  const test = OPERATORS[operator] ?? (() => false);
  return { metric, holds: (found) => test(found, limit) };
}

export function judgeThreshold(text: string, trials: readonly Trial[]): ThresholdResult {
  const { metric, holds } = parseThreshold(text);
  const values = trials.flatMap(({ figures }) => {
    const value = figures === null ? null : metric.of(figures);
    // A latency of no command at all is no data.
    const empty = figures === null || (metric.duration === true && figures.iops === 0);
    return value === null || empty ? [] : [value];
  });
  if (values.length === 0) return { threshold: text, value: null, shown: "no data", held: false };
  const value = median(values);
  const shown =
    metric.duration === true
      ? formatDuration(Math.round(value))
      : value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  return { threshold: text, value, shown, held: holds(value) };
}
