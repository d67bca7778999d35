// Whether a cell keeps a threshold of its job.

import type { Trial, ThresholdResult } from "./result.ts";
import { countedTrials, figureOf } from "./cell_figures.ts";
import { DISTURBED, isStartKey, type StartKey, type Threshold } from "../job/threshold.ts";
import { shownTime } from "../../words/shown.ts";

export function judgeThreshold(
  { text, metric, holds }: Threshold,
  trials: readonly Trial[],
): ThresholdResult {
  const { key, form } = metric;
  const value = foundFor(key, trials);
  if (value === null) return { threshold: text, value, shown: "no data", held: false };
  const number = (one: number): string => one.toLocaleString("en-US", { maximumFractionDigits: 1 });
  const shown =
    form === "duration"
      ? shownTime(value)
      : form === "share"
        ? `${number(100 * value)} %`
        : number(value);
  return { threshold: text, value, shown, held: holds(value) };
}

function foundFor(key: Threshold["metric"]["key"], trials: readonly Trial[]): number | null {
  if (key === DISTURBED) return disturbedShare(trials);
  return isStartKey(key) ? worstStart(key, trials) : figureOf(trials, key);
}

/** Of the trials that count; null: one has no such figure, or none counts. */
function worstStart(key: StartKey, trials: readonly Trial[]): number | null {
  const values = countedTrials(trials).map(({ start }) => start?.[key] ?? Number.NaN);
  const worst = key === "overlap" ? Math.min(...values) : Math.max(...values);
  return Number.isFinite(worst) ? worst : null;
}

/** Of the trials that count; null: none does. */
function disturbedShare(trials: readonly Trial[]): number | null {
  const counted = countedTrials(trials);
  const disturbed = counted.filter((trial) => trial.disturbed).length;
  return counted.length === 0 ? null : disturbed / counted.length;
}
