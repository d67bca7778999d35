// Whether a cell keeps a threshold of its job.

import type { Trial, ThresholdResult } from "./result.ts";
import { figureOf } from "./cell_figures.ts";
import type { Threshold } from "../job/threshold.ts";
import { shownTime } from "../../words/shown.ts";

export function judgeThreshold(
  { text, metric, holds }: Threshold,
  trials: readonly Trial[],
): ThresholdResult {
  const value = figureOf(trials, metric.key);
  if (value === null) return { threshold: text, value, shown: "no data", held: false };
  const shown =
    metric.duration === true
      ? shownTime(value)
      : value.toLocaleString("en-US", { maximumFractionDigits: 1 });
  return { threshold: text, value, shown, held: holds(value) };
}
