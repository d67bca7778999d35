// Results of several runs as one: an axis each, or more rounds of the same.

import { firstOfOne, readOwnResult } from "../result/join.ts";
import { GROWTH, type GrowthResult, GrowthSchema } from "./growth_result.ts";
import { summaryOf } from "./growth_summary.ts";

export function readGrowth(file: string): GrowthResult {
  return readOwnResult(file, GrowthSchema, GROWTH);
}

export function joinedGrowth(results: readonly GrowthResult[]): GrowthResult {
  const first = firstOfOne(results, ({ setting }) => setting);
  const trials = results.flatMap((result) => result.trials);
  return {
    ...first,
    cut_short: results.some(({ cut_short }) => cut_short),
    elapsed_ns: results.reduce((sum, { elapsed_ns }) => sum + elapsed_ns, 0),
    trials: trials.map((trial, order) => ({ ...trial, order })),
    axes: summaryOf(trials),
  };
}
