// Which tests pin which rule of the protocol: `bun testing/docs/rule_table.ts` prints a line for each test whose name
// begins with a rule, and fails when a rule has none.
//
// A test belongs to P9 when its name begins with `P9:` (or `P9 `, `P9,`), whichever room it stands in: some
// rules are the initiator's, or the codec's.

import { join } from "node:path";

import { failed } from "../../words/failure.ts";

/** P1 to P34. */
export const RULES: readonly string[] = Array.from({ length: 34 }, (_, index) => `P${index + 1}`);

export interface PinnedBy {
  readonly rule: string;
  readonly name: string;
  /** From the repository's root. */
  readonly file: string;
}

/** The test names in the text of a test file that name a rule. */
export function pinsIn(text: string, file: string): PinnedBy[] {
  const pins: PinnedBy[] = [];
  // A test, or the group that it stands in: test("…", test.each(…)("…", test.skipIf(…)(`…`.
  const named =
    /\b(?:test|it|describe)(?:\.\w+)*\s*\(\s*(["`])(.+?)\1|\)\s*\(\s*(["`])(.+?)\3\s*,/gs;
  for (const match of text.matchAll(named)) {
    const name = match[2] ?? match[4] ?? "";
    const rule = /^(P\d+)\b/.exec(name)?.[1];
    // A group by the bare name of its rule is told by its tests.
    if (rule !== undefined && name !== rule) pins.push({ rule, name, file });
  }
  return pins;
}

/** Of every test file below `root`, by rule. */
export async function rulePins(root: string): Promise<PinnedBy[]> {
  const pins: PinnedBy[] = [];
  for await (const file of new Bun.Glob("{target,initiator,wire,link}/**/*.test.ts").scan(root)) {
    // Its examples look like tests.
    if (file === "testing/docs/rule_table.test.ts") continue;
    pins.push(...pinsIn(await Bun.file(join(root, file)).text(), file));
  }
  const place = ({ rule }: PinnedBy): number => Number(rule.slice(1));
  return pins.toSorted(
    (a, b) => place(a) - place(b) || a.file.localeCompare(b.file) || a.name.localeCompare(b.name),
  );
}

/** A table for people. */
export function ruleTable(pins: readonly PinnedBy[]): string {
  const width = Math.max(0, ...pins.map(({ file }) => file.length));
  return pins
    .map(({ rule, file, name }) => {
      const title = name.replace(/^P\d+:?\s*/, "").replaceAll(/\s+/g, " ");
      return `${rule.padEnd(4)} ${file.padEnd(width)}  ${title}\n`;
    })
    .join("");
}

/** Rules without a test. */
export function unpinned(pins: readonly PinnedBy[]): string[] {
  return RULES.filter((rule) => !pins.some((pin) => pin.rule === rule));
}

if (import.meta.main) {
  const pins = await rulePins(join(import.meta.dir, "../.."));
  process.stdout.write(ruleTable(pins));
  const missing = unpinned(pins);
  if (missing.length > 0) {
    const { message, exitCode } = failed(`No test names ${missing.join(", ")}`);
    process.stderr.write(`${message}\n`);
    process.exitCode = exitCode;
  }
}
