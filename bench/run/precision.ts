// How many trials a cell gets: a number, or as many of a range as it takes until its figure is
// known precisely enough. The figure is the one that `compare` would judge: IOPS, or with a given
// rate p99.
//
//   known to ±X %   the 95 % interval of the median reaches X % of the median at most; below
//                   6 trials there is no such interval (median_interval.ts)

import { medianInterval } from "../../statistics/median_interval.ts";
import { usage } from "../../words/failure.ts";
import { plural, shownShare } from "../../words/shown.ts";
import type { Job } from "../job/resolved.ts";
import { valuesOf } from "../result/cell_figures.ts";
import type { Trial } from "../result/result.ts";

const CONFIDENCE = 0.95;

export interface Rounds {
  readonly least: number;
  readonly most: number;
  /** As a share; null: nothing was asked. */
  readonly precision: number | null;
}

export function roundsOf({ trials, precision }: Job["values"]): Rounds {
  if (trials.least < trials.most && precision === undefined) {
    throw usage("Expected `precision` with a range of `trials`, such as precision=2%, got nothing");
  }
  return { ...trials, precision: precision ?? null };
}

/**
 * How far the interval reaches from the median, as a share of it; null: there are too few trials.
 */
export function precisionOf(trials: readonly Trial[], rate: number): number | null {
  const values = valuesOf(trials, rate === 0 ? "iops" : "lat_p99_ns");
  const { median, low, high, confidence } = medianInterval(values, CONFIDENCE);
  if (!(confidence >= CONFIDENCE) || !Number.isFinite(high)) return null;
  return high === low ? 0 : Math.max(high - median, median - low) / median;
}

export function isPrecise(
  trials: readonly Trial[],
  rate: number,
  precision: number | null,
): boolean {
  const found = precisionOf(trials, rate);
  return precision === null || (found !== null && found <= precision);
}

/** A sentence for a cell that is not known as precisely as was asked; none: it is. */
export function notPrecise(
  name: string,
  trials: readonly Trial[],
  rate: number,
  precision: number | null,
): string[] {
  if (precision === null || isPrecise(trials, rate, precision)) return [];
  const found = precisionOf(trials, rate);
  const known =
    found === null ? "not known to any precision" : `only known to ±${shownShare(found)}`;
  const figure = `${name}: ${rate === 0 ? "IOPS" : "p99"} is ${known}`;
  const wanted = `not to the ±${shownShare(precision)} asked for`;
  return [`${figure} after ${plural(trials.length, "trial")}, ${wanted}.`];
}
