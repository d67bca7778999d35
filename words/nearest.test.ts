import { expect, test } from "bun:test";
import { nearest, oneOfNames } from "./nearest.ts";

const NAMES = ["runtime", "ramp_time", "rw", "pool", "pool_cap", "lat.p99"];

test("the name that a slip was meant for", () => {
  const rows: [string, string | null][] = [
    ["runtme", "runtime"],
    ["runitme", "runtime"],
    ["rumtime", "runtime"],
    ["runtimes", "runtime"],
    ["ramp-time", "ramp_time"],
    ["RUNTIME", "runtime"],
    ["poolcap", "pool_cap"],
    ["pol", "pool"],
    ["rv", "rw"],
    ["lat.99", "lat.p99"],
    ["iodepth", null],
    ["x", null],
    ["", null],
  ];
  for (const [word, meant] of rows) expect([word, nearest(word, NAMES)]).toEqual([word, meant]);
  expect(nearest("a", [])).toBeNull();
});

test("it is asked for, and else all names are told", () => {
  expect(oneOfNames("Expected a key", NAMES, "runtme")).toBe(
    "Expected a key, got `runtme`: did you mean `runtime`?",
  );
  expect(oneOfNames("Expected a key", ["a", "b"], "length")).toBe(
    "Expected a key (a b), got `length`",
  );
});
