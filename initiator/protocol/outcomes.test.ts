// No outcome may be missing where they are counted or named.

import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MEMORY_LOST, OK, OTHER_DISK } from "./command.ts";
import { outcomeCounts, outcomeFigures, outcomeName } from "./outcomes.ts";

/** The numbers that command.ts gives to outcomes, from its text: one that is added there is seen here. */
function numbered(): number[] {
  const text = readFileSync(join(import.meta.dir, "command.ts"), "utf8");
  const block = text.slice(
    text.indexOf("/** How a command ended. */"),
    text.indexOf("export class Command"),
  );
  return [...block.matchAll(/^export const [A-Z_]+ = (\d+);$/gm)].map(([, number]) =>
    Number(number),
  );
}

test("each outcome of a command has a name, a key and a place in the counts", () => {
  const known = numbered();
  expect(known[0]).toBe(OK);
  expect(known.at(-1)).toBe(OTHER_DISK);
  expect(outcomeCounts().length).toBe(known.length);
  expect(Object.values(outcomeFigures((outcome) => outcome))).toEqual(known);
  expect(new Set(known.map(outcomeName)).size).toBe(known.length);
  expect(outcomeName(MEMORY_LOST)).toBe("memory lost");
  expect(outcomeName(known.length)).toBe(`outcome ${known.length}`);
});
