// Thresholds of a job file: what a run has to keep, judged on the median over a cell's trials.
//
//   thresholds = ["lat.p99<2ms", "iops>=50000", "retransmits<=0"]
//   METRIC  <  <=  >  >=  VALUE       durations need a unit, as everywhere; a share is like 10%
//
// No data is a failure: a threshold that nothing was measured for was not kept.

import { usage } from "../../words/failure.ts";
import { oneOfNames } from "../../words/nearest.ts";
import { parseDuration, parseProbability } from "../../words/quantity.ts";
import type { NumberKey } from "../load/figures.ts";

interface Metric {
  /** DISTURBED: the share of the trials that others disturbed; a StartKey: of the worst trial. */
  readonly key: NumberKey | typeof DISTURBED | StartKey;
  readonly form?: "duration" | "share";
}

export const DISTURBED = "disturbed";

/** Of how the loads of a trial over hosts began. */
export type StartKey = "spread_ns" | "overlap";

export function isStartKey(key: string): key is StartKey {
  return key === "spread_ns" || key === "overlap";
}

export const THRESHOLD_METRICS: Readonly<Record<string, Metric>> = {
  iops: { key: "iops" },
  "lat.mean": { key: "lat_mean_ns", form: "duration" },
  "lat.p50": { key: "lat_p50_ns", form: "duration" },
  "lat.p90": { key: "lat_p90_ns", form: "duration" },
  "lat.p99": { key: "lat_p99_ns", form: "duration" },
  "lat.p999": { key: "lat_p999_ns", form: "duration" },
  "lat.max": { key: "lat_max_ns", form: "duration" },
  "buffer_wait.mean": { key: "buffer_wait_mean_ns", form: "duration" },
  "buffer_wait.p99": { key: "buffer_wait_p99_ns", form: "duration" },
  cpu_per_command: { key: "cpu_per_command_ns", form: "duration" },
  kick_stall: { key: "kick_stall_ns", form: "duration" },
  pool_length: { key: "pool_length_peak" },
  allocations: { key: "allocations" },
  dry: { key: "dry" },
  kicks: { key: "kicks" },
  retransmits: { key: "retransmits" },
  receive_drops: { key: "receive_drops" },
  failures: { key: "failures" },
  mismatches: { key: "mismatches" },
  disturbed: { key: DISTURBED, form: "share" },
  start_spread: { key: "spread_ns", form: "duration" },
  overlap: { key: "overlap", form: "share" },
};

const OPERATORS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  "<": (value, limit) => value < limit,
  "<=": (value, limit) => value <= limit,
  ">": (value, limit) => value > limit,
  ">=": (value, limit) => value >= limit,
};

const LIMITS = { duration: parseDuration, share: parseProbability, number: Number } as const;

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
  const limit = LIMITS[metric.form ?? "number"](value, `thresholds ${name}`);
  if (!Number.isFinite(limit)) {
    throw usage(`Expected \`thresholds ${name}\` to be compared with a number, got \`${value}\``);
  }
  const test = OPERATORS[operator] ?? (() => false);
  return { text, metric, holds: (found) => test(found, limit) };
}
