// The words of a reclaim model: what is taken, and the sentence for what is not. What each does stands in
// reclaim.test.ts.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

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
      "line:1000000/1600",
      "stuck",
    ]) {
      expect(parseReclaim(` ${text} `, "--reclaim").text).toBe(text);
    }
    expect(["eager", "stuck"].map((text) => parseReclaim(text, "x").holds)).toEqual([false, true]);
  });

  test("reads a fit", () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-fit-"));
    try {
      const write = (name: string, value: unknown): string => {
        writeFileSync(join(folder, name), JSON.stringify(value));
        return `fit:${join(folder, name)}`;
      };
      const pins = write("pins.json", { links: [{ fit: { model: "delay:1ms" } }] });
      expect(parseReclaim(pins, "--reclaim").text).toBe("delay:1ms");
      const round = write("round.json", { links: [{ fit: { model: pins } }] });
      expect(() => parseReclaim(round, "--reclaim")).toThrow(
        "Expected a result of `aoe bench pins`",
      );
      expect(() => parseReclaim(write("run.json", {}), "--reclaim")).toThrow("without a fit");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  const wrong: [string, string][] = [
    ["", "batch:N, ring:N/T, line:R/B, stuck, fit:FILE, got ``"],
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
    ["line:1m", "line:R/B, bytes a second and bytes at once"],
    ["line:0/0", "`--reclaim, R of line` to be at least 1"],
    ["fit:/nowhere/pins.json", "/nowhere/pins.json"],
    ["fit:/dev/zero", "it must be a regular file"],
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
