// The one answer of a cell: what its trials come to, figure by figure. Tables, thresholds, reports, findings and
// comparisons take it from here, so that one result never has two.
//
//   trial 1   p99 52 ms ─┐
//   trial 2   p99 61 ms ─┼─▶  median over the trials: 61 ms       the trial is the unit that was repeated, so its
//   trial 3   p99 250 ms ┘                                        figures have a spread, an interval and a test
//
// A percentile is first that of a trial's own commands, and then the median over trials. Not that of all commands
// together: there one slow trial of three owns the tail, and a trial with more commands counts for more. Not the
// mean either: the mean of percentiles is a percentile of nothing.
//
// A trial that failed stands in no figure. One in which no command ended has a rate, 0, and no times: beside other
// trials' times it counts as longer than all of them.

import type { Trial } from "./result.ts";
import { median } from "../../statistics/quantile.ts";
import type { NumberKey, Figures } from "../load/figures.ts";

/**
 * How a figure of a cell comes from those of its trials.
 *   median   of all trials; one without a time counts as longer than all
 *   known    the median of those that know it
 *   most     the largest
 *   worst    the largest of all trials, failed ones too
 *   every    true where no trial says false; null where none says anything
 *   first    the same in all of them
 */
type Rule = "median" | "known" | "most" | "worst" | "every" | "first";

const RULES: Readonly<Record<keyof Figures, Rule>> = {
  iops: "median",
  runtime_ns: "median",
  lat_mean_ns: "median",
  lat_p50_ns: "median",
  lat_p90_ns: "median",
  lat_p99_ns: "median",
  lat_p999_ns: "median",
  lat_max_ns: "most",
  buffer_wait_mean_ns: "median",
  buffer_wait_p99_ns: "median",
  cpu_per_command_ns: "median",
  cpu_quiet_ns: "known",
  pool_length: "median",
  pool_length_peak: "most",
  pool_preallocated: "first",
  pool_cap: "first",
  allocations: "median",
  head_blocked: "median",
  pool_touches: "median",
  dry: "median",
  kicks: "median",
  kick_stall_ns: "median",
  kick_commands_p50: "known",
  retransmits: "median",
  failures: "worst",
  mismatches: "worst",
  receive_drops: "median",
  steady: "every",
  littles_law_holds: "every",
};
const KEYS = Object.keys(RULES) as (keyof Figures)[];

/** What stands beside figures of a cell: where they come from. */
export const OF_TRIALS = "medians over the trials of a cell; headroom: the most of any";

export type CountedTrial = Trial & { readonly figures: Figures };

/** The trials whose figures count: those that ended well. */
export function countedTrials(trials: readonly Trial[]): CountedTrial[] {
  return trials.filter(
    (trial): trial is CountedTrial => trial.figures !== null && trial.failure === null,
  );
}

/** Others had the CPUs in half of them or more, so the median may be theirs: nothing is said of such a cell. */
export function areDisturbed(trials: readonly Trial[]): boolean {
  const counted = countedTrials(trials);
  return 2 * counted.filter(({ disturbed }) => disturbed).length >= Math.max(1, counted.length);
}

/** Its rate is 0, which is a figure, and its times are no data. */
export function endedNothing({ figures }: Trial): boolean {
  return figures !== null && figures.iops === 0;
}

/** A figure of each trial that counts, as its rule has it; Infinity: no command ended, so no time is long enough. */
export function valuesOf(trials: readonly Trial[], key: NumberKey): number[] {
  const rule = RULES[key];
  const from =
    rule === "worst"
      ? trials.flatMap(({ figures }) => figures ?? [])
      : countedTrials(trials).map(({ figures }) => figures);
  return from.flatMap((figures) => {
    const value = figures[key];
    return value === null ? (rule === "known" ? [] : [Number.POSITIVE_INFINITY]) : [value];
  });
}

/** A figure of a cell; null: no data. */
export function figureOf(trials: readonly Trial[], key: NumberKey): number | null {
  const values = valuesOf(trials, key);
  const rule = RULES[key];
  if (rule === "first") return countedTrials(trials)[0]?.figures[key] ?? null;
  const value = rule === "median" || rule === "known" ? median(values) : Math.max(...values);
  return Number.isFinite(value) ? value : null;
}

/** All figures of a cell; null: no trial ended well. */
export function cellFigures(trials: readonly Trial[]): Figures | null {
  const counted = countedTrials(trials);
  if (counted.length === 0) return null;
  const every = (key: "steady" | "littles_law_holds"): boolean | null => {
    const said = counted.flatMap(({ figures }) => figures[key] ?? []);
    return said.length === 0 ? null : said.every((one) => one);
  };
  const figures = KEYS.map((key) => [
    key,
    key === "steady" || key === "littles_law_holds" ? every(key) : figureOf(trials, key),
  ]);
  return Object.fromEntries(figures) as Figures;
}

/**
 * The trial in the middle by throughput, the lower one of two: what is drawn of a single trial is drawn of it. Its
 * figures are its own.
 */
export function middleTrial(trials: readonly Trial[]): CountedTrial | null {
  const counted = countedTrials(trials).toSorted((a, b) => a.figures.iops - b.figures.iops);
  return counted[Math.floor((counted.length - 1) / 2)] ?? null;
}
