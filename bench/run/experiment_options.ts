// Options that experiments have in common, and lists as they take them.

import { expected } from "../../words/failure.ts";
import { duration, integer, type OptionType, positiveDuration } from "../../words/option.ts";

/** `a,b`: some of `choices`, each once. */
export function listOf<const T extends string>(choices: readonly T[]): OptionType<readonly T[]> {
  return {
    hint: "list",
    choices,
    parse: (text, what) =>
      unique(
        split(text).map((word) => {
          const found = choices.find((one) => one === word);
          if (found === undefined) throw expected(what, `a list of ${choices.join(", ")}`, word);
          return found;
        }),
      ),
  };
}

/** `1,2`: values of a type, each once. */
export function several<T>({ parse }: OptionType<T>): OptionType<readonly T[]> {
  return {
    hint: "list",
    parse: (text, what) => unique(split(text).map((word) => parse(word, what))),
  };
}

function split(text: string): string[] {
  return text.split(",").map((word) => word.trim());
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}

export const rounds = { type: integer(1, 1000), default: "5" } as const;
export const runtime = { type: positiveDuration } as const;
export const warmUp = { type: duration } as const;
export const seed = {
  type: integer(0, 2 ** 32 - 1),
  default: "1",
  help: "of the order of trials, and of the places",
} as const;
