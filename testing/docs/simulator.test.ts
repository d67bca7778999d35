// docs/simulator.md against the code: its options, its examples, its rules.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { simCommand } from "../sim/command.ts";

const text = await Bun.file(join(import.meta.dir, "../../docs/simulator.md")).text();
const options = simCommand().options;

test("every option stands in the table, and none that there is not", () => {
  const listed = [...text.matchAll(/^\| `(--[a-z]+)/gm)].map((match) => match[1] ?? "");
  expect(listed.sort()).toEqual(options.map(({ long }) => long ?? "").sort());
});

test("every example is a command line that is taken", () => {
  const examples = [...text.matchAll(/^npx aoe bench sim (.*)$/gm)].map((match) => match[1] ?? "");
  expect(examples.length).toBeGreaterThan(5);
  for (const example of examples) {
    let ran = false;
    simCommand()
      .exitOverride()
      .action(() => {
        ran = true;
      })
      .parse(example.split(" "), { from: "user" });
    expect([example, ran]).toEqual([example, true]);
  }
});

test("every checker has its rule", async () => {
  const source = await Bun.file(join(import.meta.dir, "../sim/violation.ts")).text();
  const checkers = [...source.matchAll(/^ {2}\| "([a-z]+)"/gm)].map((match) => match[1] ?? "");
  expect(checkers.length).toBe(10);
  const rules = [...text.matchAll(/^\| `([a-z]+)` /gm)].map((match) => match[1] ?? "");
  expect(rules.sort()).toEqual(checkers.sort());
});
