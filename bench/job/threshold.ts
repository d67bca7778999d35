// Thresholds of a job file: what a run has to keep, judged on the median over a cell's trials.
//
//   thresholds = ["lat.p99<2ms", "iops>=50000", "retransmits<=0"]
//   METRIC  <  <=  >  >=  VALUE       durations need a unit, as everywhere
//
// No data is a failure: a threshold that nothing was measured for was not kept.

import { usage } from "../../words/failure.ts";
import { oneOfNames } from "../../words/nearest.ts";
import { parseDuration } from "../../words/quantity.ts";
import type { NumberKey } from "../load/figures.ts";

interface Metric {
  readonly key: NumberKey;
  readonly duration?: true;
}

export const THRESHOLD_METRICS: Readonly<Record<string, Metric>> = {
  iops: { key: "iops" },
  "lat.mean": { key: "lat_mean_ns", duration: true },
  "lat.p50": { key: "lat_p50_ns", duration: true },
  "lat.p90": { key: "lat_p90_ns", duration: true },
  "lat.p99": { key: "lat_p99_ns", duration: true },
  "lat.p999": { key: "lat_p999_ns", duration: true },
  "lat.max": { key: "lat_max_ns", duration: true },
  "buffer_wait.mean": { key: "buffer_wait_mean_ns", duration: true },
  "buffer_wait.p99": { key: "buffer_wait_p99_ns", duration: true },
  cpu_per_command: { key: "cpu_per_command_ns", duration: true },
  kick_stall: { key: "kick_stall_ns", duration: true },
  pool_length: { key: "pool_length_peak" },
  allocations: { key: "allocations" },
  dry: { key: "dry" },
  kicks: { key: "kicks" },
  retransmits: { key: "retransmits" },
  receive_drops: { key: "receive_drops" },
  failures: { key: "failures" },
  mismatches: { key: "mismatches" },
};

const OPERATORS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

export interface Threshold {
  readonly text: string;
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
    const names = Object.keys(THRESHOLD_METRICS);
    throw usage(oneOfNames("Expected `thresholds` to begin with a metric", names, name));
  }
  const limit =
    metric.duration === true ? parseDuration(value, `thresholds ${name}`) : Number(value);
  if (!Number.isFinite(limit)) {
    throw usage(`Expected \`thresholds ${name}\` to be compared with a number, got \`${value}\``);
  }
  const test = OPERATORS[operator] ?? (() => false);
  return { text, metric, holds: (found) => test(found, limit) };
}
