// The table of rules: complete, and blind to nothing that it should see.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { pinsIn, RULES, rulePins, ruleTable, unpinned } from "./rule_table.ts";

const root = join(import.meta.dir, "../..");

test("every rule has a test that names it", async () => {
  const pins = await rulePins(root);
  expect(unpinned(pins)).toEqual([]);
  expect(pins.some(({ file }) => file.includes("rule_table"))).toBe(false);
  const table = ruleTable(pins);
  for (const rule of RULES)
    expect(table).toMatch(new RegExp(`^${rule} +\\S+\\.test\\.ts +\\S`, "m"));
});

test("names are found however a test is written, and only there", () => {
  const text = `
    test("P1: plain", () => {});
    test.each<[string]>([["P9", f(2)], ["P8: a row", 1]])("P2: each (%s)", () => {});
    test.skipIf(absent !== "")(
      \`P3: skipped\${absent}\`,
      async () => {},
    );
    describe("P4", () => { const rule = "P5: no test"; });
    // test without a rule
    test("about P6", () => {});
    test("P10: ten is not one", () => {});`;
  expect(pinsIn(text, "x.test.ts").map(({ rule }) => rule)).toEqual(["P1", "P2", "P3", "P10"]);
});

test("the command prints the table, and fails where a rule has no test", async () => {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, "rule_table.ts")], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const said = await new Response(child.stdout).text();
  expect(await child.exited).toBe(0);
  expect(said.split("\n").length).toBeGreaterThan(RULES.length);
  expect(unpinned([{ rule: "P1", name: "P1: x", file: "x.test.ts" }])).toEqual(RULES.slice(1));
});
