// Style as a test: what a type checker and a linter don't know about this house. Each rule carries a
// planted fault that it must find, so that a rule which went blind fails as well.

import { basename } from "node:path";

import { describe, expect, test } from "bun:test";

import {
  COLUMNS,
  FILE_LINES,
  FUNCTION_LINES,
  longFiles,
  longFunctions,
  longLines,
  sharedNames,
} from "./testing/ratchets.ts";
import { importsOf, isTest, readSources, type Source } from "./testing/sources.ts";
import manifest from "./package.json" with { type: "json" };

interface Rule {
  readonly name: string;
  /** Sentences for what is wrong; none for a file that keeps the rule. */
  check(source: Source): string[];
  readonly planted: readonly Source[];
}

const all = await readSources(import.meta.dir);
const paths = new Set(all.map(({ path }) => path));

/** Tests, and what only tests use, are told the time by the machine. */
function isTestCode(source: Source): boolean {
  return isTest(source) || source.path.startsWith("testing/suites/");
}

/** Its planted faults would be found in it. */
function isThisFile({ path }: Source): boolean {
  return path === "tidy.test.ts";
}

/** What a person starts: aoe.ts, the commands of a directory, and what a command's action does. */
function isCommand({ path }: Source): boolean {
  return (
    path === "aoe.ts" || /(^|\/)commands(\.ts$|\/)|_action\.ts$|\/session_options\.ts$/.test(path)
  );
}

/** The text without comments and string contents, near enough for a search of words. */
function codeOf({ text }: Source): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, '""')
    .replaceAll(/\/\/.*$/gm, "");
}

/** The comment at the top of a file. */
function headerOf({ text }: Source): string {
  const body = text.replace(/^#!.*\n/, "");
  return /^(?:\/\/.*\n)+|^\/\*[\s\S]*?\*\//.exec(body)?.[0] ?? "";
}

/** A header's reason for a long file. */
const LONG_BECAUSE =
  /\bhence (?:its|the) length\b|\b(?:long|lines,) because\b|\bLong(?:,| on purpose)/i;

const RULES: readonly Rule[] = [
  {
    name: "bun:ffi is imported in sys/ alone",
    check: (source) =>
      !isThisFile(source) &&
      !source.path.startsWith("sys/") &&
      importsOf(source).includes("bun:ffi")
        ? ["imports bun:ffi outside sys/"]
        : [],
    planted: [{ path: "link/a.test.ts", text: 'import { dlopen } from "bun:ffi";\n' }],
  },
  {
    name: "relative imports carry their extension",
    check: (source) =>
      (isThisFile(source) ? [] : importsOf(source))
        .filter((module) => module.startsWith(".") && !/\.[a-z]+$/.test(basename(module)))
        .map((module) => `imports ${module} without an extension`),
    planted: [{ path: "wire/a.ts", text: 'import { b } from "./b";\n' }],
  },
  {
    name: "time and randomness come in as arguments, except to commands",
    check(source) {
      if (isTestCode(source) || isCommand(source)) return [];
      return [...codeOf(source).matchAll(/\b(?:Math\.random|Date\.now)\b|\bnew Date\(\s*\)/g)].map(
        ([found]) => `calls ${found}`,
      );
    },
    planted: [
      { path: "target/a.ts", text: "const x = Math.random();" },
      { path: "target/a.ts", text: "const x = Date.now();" },
      { path: "bench/a.ts", text: "const x = new Date();" },
    ],
  },
  {
    name: `a file of more than ${FILE_LINES} lines says in its header why it is long`,
    check(source) {
      const lines = source.text.split("\n").length - 1;
      if (lines <= FILE_LINES || LONG_BECAUSE.test(headerOf(source).replaceAll("\n// ", " ")))
        return [];
      return [`has ${lines} lines and no reason in its header`];
    },
    planted: [
      { path: "wire/a.ts", text: `// A table.\n${"x;\n".repeat(FILE_LINES)}` },
      { path: "wire/a.ts", text: `// Lines, as long as it lasts.\n${"x;\n".repeat(FILE_LINES)}` },
    ],
  },
  {
    name: "a file begins by saying what it is",
    check(source) {
      // A test of what stands beside it has said so by its name.
      const beside = source.path.replace(/\.test\.ts$/, ".ts");
      if (beside !== source.path && paths.has(beside)) return [];
      return headerOf(source).length < 20 ? ["has no header comment"] : [];
    },
    planted: [
      { path: "wire/a.ts", text: 'import { b } from "./b.ts";\n// Too late.\n' },
      { path: "aoe.ts", text: "#!/usr/bin/env bun\nimport 1;" },
    ],
  },
  {
    name: "a file is named after what it defines",
    check: (source) =>
      /^(?:utils?|helpers?|managers?|index|common|misc|types|shared)(?:\.test)?\.ts$|(?:_|-)(?:utils?|helpers?|manager)\.ts$/i.test(
        basename(source.path),
      )
        ? ["has a name that says nothing"]
        : [],
    planted: [
      { path: "wire/index.ts", text: "" },
      { path: "wire/frame_utils.ts", text: "" },
      { path: "wire/Helper.ts", text: "" },
    ],
  },
  {
    name: "JSON that a command prints is words/printable.ts's: it may hold what a wire or a file said",
    check: (source) =>
      !isCommand(source)
        ? []
        : [
            ...source.text.matchAll(
              /\b(?:stdout|output)\.write\((?:[^;]*[^\w.])?JSON\.stringify\(/g,
            ),
          ].map(() => "writes JSON.stringify to standard output, in place of printableJson"),
    planted: [
      { path: "bench/a_action.ts", text: "process.stdout.write(json ? JSON.stringify(x) : text);" },
      { path: "bench/a_action.ts", text: "process.stdout.write(JSON.stringify(x, null, 2));" },
    ],
  },
  {
    name: "nothing is left to do",
    check: (source) =>
      isThisFile(source)
        ? []
        : [...source.text.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b/g)].map(
            ([found]) => `says ${found}`,
          ),
    planted: [{ path: "wire/a.ts", text: "// TODO: the rest" }],
  },
  {
    name: "no test runs alone, and no skipped test is nameless",
    check: (source) => [
      ...[...codeOf(source).matchAll(/\b(?:test|it|describe)\.only\b/g)].map(() => "has an .only"),
      ...[
        ...(isThisFile(source) ? "" : source.text).matchAll(
          /\b(?:test|it|describe)\.(?:todo|skip)\(\s*""/g,
        ),
      ].map(() => "skips a test without a reason"),
    ],
    planted: [
      { path: "wire/a.test.ts", text: 'test.only("a", () => {});' },
      { path: "wire/a.test.ts", text: 'test.skip("", () => {});' },
    ],
  },
  {
    name: "the checker is silenced only with a reason",
    check: (source) =>
      isThisFile(source)
        ? []
        : [...source.text.matchAll(/@ts-(?:ignore|nocheck|expect-error)(.*)$/gm)]
            .filter(([, reason = ""]) => reason.trim().length < 10)
            .map(([found]) => `has ${found.trim()} without a reason`),
    planted: [{ path: "wire/a.ts", text: "// @ts-expect-error\nx;" }],
  },
];

interface Ratchet {
  readonly name: string;
  /** So many there are; the number may only fall. */
  readonly kept: number;
  find(sources: readonly Source[]): string[];
  readonly planted: readonly Source[];
}

const RATCHETS: readonly Ratchet[] = [
  {
    name: `lines of more than ${COLUMNS} columns`,
    kept: 2312,
    find: (sources) => sources.flatMap(longLines),
    planted: [{ path: "wire/a.test.ts", text: `// ${"x".repeat(COLUMNS)}\n` }],
  },
  {
    name: `functions of more than ${FUNCTION_LINES} lines outside tests`,
    kept: 26,
    find: (sources) => sources.flatMap(longFunctions),
    planted: [
      ["export function f(a: number): void {", "}"],
      ["  async method(", "    a: number,", "  ): Promise<void> {", "  }"],
      ["const g = ({", "  a,", "}: Options): void => {", "};"],
    ].map((lines) => ({
      path: "wire/a.ts",
      text: [...lines.slice(0, -1), ...Array(FUNCTION_LINES).fill("    x;"), lines.at(-1)].join(
        "\n",
      ),
    })),
  },
  {
    name: `files of more than ${FILE_LINES} lines`,
    kept: 13,
    find: (sources) => sources.flatMap(longFiles),
    planted: [{ path: "wire/a.test.ts", text: "x;\n".repeat(FILE_LINES + 1) }],
  },
  {
    name: "files outside tests that share their name, but command.ts and commands.ts",
    kept: 106,
    find: sharedNames,
    planted: [
      { path: "wire/a.ts", text: "" },
      { path: "link/a.ts", text: "" },
    ],
  },
];

/** What is to be done; empty: nothing. */
function ratchetSays(
  { name, kept }: Pick<Ratchet, "name" | "kept">,
  found: readonly string[],
): string {
  const count = found.length;
  if (count < kept) return `There are ${count} ${name}: write ${count} for ${kept} in tidy.test.ts`;
  if (count === kept) return "";
  return `There are ${count} ${name}, and the number may only fall from ${kept}: ${found.slice(-20).join(", ")}`;
}

describe("tidy", () => {
  test("there is something to check", () => {
    expect(all.map(({ path }) => path)).toContain("aoe.ts");
    expect(all.length).toBeGreaterThan(20);
  });

  for (const rule of RULES) {
    test(rule.name, () => {
      const found = all.flatMap((source) =>
        rule.check(source).map((sentence) => `${source.path} ${sentence}`),
      );
      expect(found).toEqual([]);
    });

    test(`${rule.name}: what breaks it is found`, () => {
      for (const source of rule.planted) {
        expect([source, rule.check(source).length > 0]).toEqual([source, true]);
      }
    });
  }

  for (const ratchet of RATCHETS) {
    test(`${ratchet.name} become fewer`, () => {
      expect(ratchetSays(ratchet, ratchet.find(all))).toBe("");
    });

    test(`${ratchet.name} become fewer: what breaks it is found`, () => {
      const { planted, name, find } = ratchet;
      // Where it takes two files they are planted together.
      const trees = find === sharedNames ? [planted] : planted.map((source) => [source]);
      for (const tree of trees) {
        const found = find(tree);
        expect([tree, found.length > 0]).toEqual([tree, true]);
        expect(ratchetSays({ name, kept: 0 }, found)).toContain("may only fall");
        expect(ratchetSays({ name, kept: 9 }, found)).toContain(`write ${found.length} for 9`);
      }
    });
  }

  test("dependencies have exact versions", () => {
    const versions = Object.entries({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    });
    expect(versions.length).toBeGreaterThan(4);
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});
