// A table of options: texts in, typed values out, each text parsed once.

import { expect, test } from "bun:test";
import {
  choice,
  duration,
  flag,
  integer,
  type OptionTable,
  optionTexts,
  type OptionType,
  parseOption,
  parseOptions,
  word,
} from "./option.ts";

let parsed: string[] = [];
const counted: OptionType<number> = {
  hint: "n",
  parse(text) {
    parsed.push(text);
    return Number(text);
  },
};

const OPTIONS = {
  ramp_time: { type: duration, default: "200ms", help: "before it" },
  kind: { type: choice(["a", "b"], "kind"), default: "a", help: "which" },
  often: { type: integer(1, 9), help: "how often" },
  plan: { type: word, default: "", help: "perhaps none" },
  names: { type: word, many: true, help: "each" },
  loud: { type: flag, default: "off", help: "or not" },
  counted: { type: counted, default: "1", help: "looks" },
} as const satisfies OptionTable;

test("what is not given has its default, or is not there", () => {
  expect(parseOptions(OPTIONS, {})).toEqual({
    rampTime: 200e6,
    kind: "a",
    often: undefined,
    plan: undefined,
    names: [],
    loud: false,
    counted: 1,
  });
});

test("what is given is parsed once, whatever else was given", () => {
  parsed = [];
  const given = { rampTime: "1s", kind: "b", often: "3", plan: "", names: ["x", "y"], loud: true };
  const values = parseOptions(OPTIONS, { ...given, counted: "5" });
  expect(values).toMatchObject({ rampTime: 1e9, kind: "b", often: 3, names: ["x", "y"] });
  expect([values.plan, values.loud, parsed]).toEqual([undefined, true, ["5"]]);
  // The types are the rows': a kind is "a" or "b", and what has no default may be absent.
  const kind: "a" | "b" = values.kind;
  const often: number | undefined = values.often;
  expect([kind, often]).toEqual(["b", 3]);
});

test("the texts go by the table's names", () => {
  expect(optionTexts(OPTIONS, { rampTime: "1s", loud: true })).toEqual({
    ramp_time: "1s",
    kind: "a",
    plan: "",
    loud: "on",
    counted: "1",
  });
});

test.each([
  [{ kind: "c" }, "Expected `--kind` to be one of a, b, got `c`"],
  [{ often: "0" }, "Expected `--often` to be an integer between 1 and 9, got `0`"],
  [{ often: "" }, "Expected `--often` to be an integer between 1 and 9, got ``"],
  [{ rampTime: "5" }, "Expected `--ramp-time` to be a duration"],
])("%j is a fault of the option as it is typed", (given, sentence) => {
  expect(() => parseOptions(OPTIONS, given)).toThrow(sentence);
});

test("a key of a file is named as it stands there", () => {
  expect(() => parseOption(OPTIONS.loud, "yes", "loud")).toThrow(
    "Expected `loud` to be one of on, off, got `yes`",
  );
});
