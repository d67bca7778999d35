// The options of `aoe bench growth`: texts in, values out, every fault a usage Failure that names the option.

import { expected } from "../../words/failure.ts";
import { parseDuration, parseInteger } from "../../words/quantity.ts";
import { AXIS_NAMES, type AxisName } from "./axes.ts";
import { GROWTH_DEFAULTS } from "./growth_defaults.ts";

/** As commander gives them. */
export interface GrowthTexts {
  readonly axis?: readonly string[];
  readonly rounds?: string;
  readonly runtime?: string;
  readonly warmUp?: string;
  readonly seed?: string;
}

export interface GrowthOptions {
  readonly axes: readonly AxisName[];
  readonly rounds: number;
  readonly runtime: number;
  readonly warmUp: number;
  readonly seed: number;
}

export function parseGrowth(given: GrowthTexts): GrowthOptions {
  const texts = { ...GROWTH_DEFAULTS, ...given };
  const named = (given.axis ?? []).flatMap((list) => list.split(",")).map((word) => word.trim());
  for (const word of named) {
    if (!AXIS_NAMES.some((name) => name === word)) {
      throw expected("--axis", `one of ${AXIS_NAMES.join(", ")}`, word);
    }
  }
  const runtime = parseDuration(texts.runtime, "--runtime");
  if (runtime === 0) throw expected("--runtime", "a duration above 0", texts.runtime);
  return {
    axes: AXIS_NAMES.filter((name) => named.length === 0 || named.includes(name)),
    rounds: parseInteger(texts.rounds, "--rounds", 1, 1000),
    runtime,
    warmUp: parseDuration(texts.warmUp, "--warm-up"),
    seed: parseInteger(texts.seed, "--seed", 0, 2 ** 32 - 1),
  };
}
