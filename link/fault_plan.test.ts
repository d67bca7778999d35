// What the words of --faults mean, and the sentence for each wrong one.

import { describe, expect, test } from "bun:test";
import { Failure } from "../words/failure.ts";
import { parseFaults } from "./fault_plan.ts";

describe("parseFaults", () => {
  test("reads every kind, each for its direction", () => {
    const text =
      "tx:drop:1%, rx:corrupt:0.1%/header, tx:duplicate:0.5, rx:delay:uniform/0us/500us, rx:reorder:1%/200us";
    const { tx, rx, text: kept } = parseFaults(text, "--faults");
    expect(kept).toBe(text);
    expect(tx).toMatchObject({ drop: 0.01, corrupt: 0, duplicate: 0.5, delay: null, reorder: 0 });
    expect(rx).toMatchObject({ drop: 0, corrupt: 0.001, corruptFrom: 14, corruptTo: 36 });
    expect(rx).toMatchObject({ reorder: 0.01, reorderBy: 200_000 });
    expect(rx.delay?.mean()).toBe(250_000);
  });

  test("nothing is a plan without faults", () => {
    const { tx, rx } = parseFaults("  ", "--faults");
    for (const faults of [tx, rx]) {
      expect(faults).toMatchObject({ drop: 0, corrupt: 0, duplicate: 0, delay: null, reorder: 0 });
    }
  });

  test("a corrupted bit is in the part that was named", () => {
    const parts = ["", "/frame", "/header", "/payload"].map((part) => {
      const { tx } = parseFaults(`tx:corrupt:100%${part}`, "--faults");
      return [tx.corruptFrom, tx.corruptTo];
    });
    expect(parts).toEqual([
      [14, Infinity],
      [0, Infinity],
      [14, 36],
      [36, Infinity],
    ]);
  });

  test("a trace comes from the caller's file", () => {
    const load = (file: string) => (file === "late.txt" ? "10us\n20us\n" : "");
    expect(parseFaults("tx:delay:trace/late.txt", "--faults", load).tx.delay?.mean()).toBe(15_000);
  });

  const wrong: [string, string][] = [
    [
      "drop:1%",
      "Expected `--faults` to be tx:FAULT or rx:FAULT, separated by commas, got `drop:1%`",
    ],
    ["up:drop:1%", "tx:FAULT or rx:FAULT"],
    ["tx:lose:1%", "one of drop:P, corrupt:P"],
    ["tx:drop", "one of drop:P"],
    ["tx:drop:", "one of drop:P"],
    ["tx:drop:2", "Expected `--faults, tx:drop` to be a probability between 0 and 1"],
    ["tx:drop:1%,", "tx:FAULT or rx:FAULT"],
    ["tx:drop:1%,rx:drop:1%,tx:drop:2%", "`--faults` names tx:drop more than once"],
    ["rx:corrupt:1%/tail", "PART frame, header or payload"],
    ["rx:corrupt:1%/toString", "PART frame, header or payload"],
    ["rx:reorder:1%", "reorder:P/D, a probability and a duration"],
    ["rx:reorder:1%/5", "`--faults, rx:reorder` to be a duration"],
    ["rx:delay:often", "`--faults, rx:delay`"],
    ["tx:delay:trace/late.txt", "takes no trace file here"],
  ];
  for (const [text, sentence] of wrong) {
    test(`refuses \`${text}\``, () => {
      expect(() => parseFaults(text, "--faults")).toThrow(sentence);
      expect(() => parseFaults(text, "--faults")).toThrow(Failure);
    });
  }
});
