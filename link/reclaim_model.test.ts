// The words of a reclaim model: what is taken, and the sentence for what is not. What each does stands in
// reclaim.test.ts.

import { describe, expect, test } from "bun:test";
import { Failure } from "../words/failure.ts";
import { parseReclaim } from "./reclaim_model.ts";

describe("parseReclaim", () => {
  test("keeps the text", () => {
    for (const text of [
      "eager",
      "coalesce:64/1ms",
      "delay:1ms",
      "next-xmit:0us",
      "batch:32",
      "ring:64/32",
      "stuck",
    ]) {
      expect(parseReclaim(` ${text} `, "--reclaim").text).toBe(text);
    }
    expect(["eager", "stuck"].map((text) => parseReclaim(text, "x").holds)).toEqual([false, true]);
  });

  const wrong: [string, string][] = [
    ["", "on-receive:D, batch:N, ring:N/T, stuck, got ``"],
    ["lazy", "got `lazy`"],
    ["eager:1ms", "to be one of"],
    ["coalesce:64", "coalesce:N/T, a number of frames and a duration"],
    ["coalesce:64/1ms/2", "coalesce:N/T"],
    ["coalesce:0/1ms", "`--reclaim, N of coalesce` to be an integer >= 1"],
    ["coalesce:64/5", "`--reclaim, T of coalesce` to be a duration"],
    ["batch:0", "`--reclaim, N of batch` to be an integer >= 1"],
    ["ring:64", "ring:N/T, two numbers of descriptors"],
    ["ring:64/32/1", "ring:N/T"],
    ["ring:64/65", "`--reclaim, T of ring` to be"],
    ["delay", "`--reclaim, T of delay` to be a duration"],
    ["next-xmit:soon", "`--reclaim, D of next-xmit` to be a duration"],
  ];
  for (const [text, sentence] of wrong) {
    test(`refuses \`${text}\``, () => {
      expect(() => parseReclaim(text, "--reclaim")).toThrow(sentence);
      expect(() => parseReclaim(text, "--reclaim")).toThrow(Failure);
    });
  }
});
