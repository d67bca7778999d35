// What two results are compared by: one figure of each trial, and which way is better.

import { expected } from "../../words/failure.ts";
import type { CellResult } from "../result/result.ts";
import type { NumberKey } from "../load/figures.ts";

export interface Metric {
  readonly name: string;
  readonly about: string;
  readonly key: NumberKey;
  readonly higherIsBetter: boolean;
  /** It is taken while nobody else runs, so that a disturbed trial has it as good as any. */
  readonly quiet: boolean;
}

export const METRICS: readonly Metric[] = [
  metric("iops", "commands a second", "iops", { higherIsBetter: true }),
  metric("lat.mean", "mean latency", "lat_mean_ns"),
  metric("lat.p50", "median latency", "lat_p50_ns"),
  metric("lat.p99", "99th percentile of the latency", "lat_p99_ns"),
  metric("cpu", "CPU time of our side per command, in a quiet interval", "cpu_quiet_ns", {
    quiet: true,
  }),
];
export const METRIC_NAMES = METRICS.map(({ name }) => name);

/** Of the golden table: what should be high, and what should be low. */
export const RATE = "commands_per_s";
export const PRICES = ["dry", "kicks", "stall_ns", "allocations", "retransmits"];
/** Of a command, in exact counts (bench/counts). */
const COUNTS = ["objects", "system_calls", "library_calls", "copies", "frames"];

/**
 * By which a bisection may judge: all that is exact, a figure of the golden table, a count, or a
 * metric of `compare`.
 */
export const BISECT_METRICS = ["exact", RATE, ...PRICES, ...COUNTS, ...METRIC_NAMES];

function metric(
  name: string,
  about: string,
  key: NumberKey,
  { higherIsBetter = false, quiet = false } = {},
): Metric {
  return { name, about, key, higherIsBetter, quiet };
}

export function parseMetric(name: string): Metric {
  const found = METRICS.find((one) => one.name === name);
  if (found === undefined) throw expected("--metric", `one of ${METRIC_NAMES.join(", ")}`, name);
  return found;
}

/** Capacity where the loop is closed; where the rate is given, latency is what can differ. */
export function metricFor(cells: readonly CellResult[]): Metric {
  const open = cells.length > 0 && cells.every(({ values }) => values.rate_iops !== "0");
  return parseMetric(open ? "lat.p99" : "iops");
}
