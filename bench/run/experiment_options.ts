// Options that experiments have in common.

import {
  duration,
  integer,
  listOf,
  type OptionType,
  positiveDuration,
} from "../../words/option.ts";

/** `1,2`: one value of a type or more. */
export function several<T>(type: OptionType<T>): OptionType<readonly T[]> {
  return listOf(type, Infinity, 1);
}

export const rounds = { type: integer(1, 1000), default: "5" } as const;
export const runtime = { type: positiveDuration } as const;
export const warmUp = { type: duration } as const;
export const seed = {
  type: integer(0, 2 ** 32 - 1),
  default: "1",
  help: "of the order of trials, and of the places",
} as const;
