// Where files stand and what they may import. `bun test house.test.ts` is the one command that shows the order of
// the directories and the absence of circles. Each rule carries planted faults that it must find.
//
//   words wire statistics │ sys │ link lab │ decode │ target initiator │ bench │ testing │ shell │ aoe.ts

import { posix } from "node:path";
import { describe, expect, test } from "bun:test";
import manifest from "./package.json" with { type: "json" };
import {
  exportsOf,
  importsOf,
  isTest,
  namesTakenBy,
  ownImportsOf,
  readSources,
  type Source,
} from "./testing/sources.ts";

const all = await readSources(import.meta.dir);

/** What a directory may import besides itself. Nothing points back. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  words: [],
  wire: [],
  statistics: ["words"],
  sys: ["words"],
  link: ["sys", "wire", "words", "statistics"],
  decode: ["link", "sys", "wire", "words"],
  lab: ["sys", "words"],
  target: ["link", "sys", "wire", "words", "statistics"],
  initiator: ["link", "wire", "words", "statistics"],
  bench: ["target", "initiator", "lab", "link", "sys", "wire", "words", "statistics"],
  fixtures: ["wire", "words"],
  shell: ["bench", "target", "initiator", "link", "words"],
  // The program made into one file: all directories, as aoe.ts has them.
  bin: ["bench", "lab", "sys"],
  testing: [
    ...["bench", "target", "initiator", "lab", "decode", "link", "sys", "wire", "words"],
    ...["statistics", "fixtures"],
  ],
};

/** The order within a directory, folders and files at its top: each may be imported by those to its right. */
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  bench: words(
    [
      "machine load job result hosts run counts judge claims peers growth pins whole micro report",
      "run_action commands",
    ].join(" "),
  ),
  initiator: words("pool protocol session library nbd commands example"),
  target: words(
    "outcome stores service protocol config exports systemd control sentences serve commands",
  ),
  testing: words("sources ratchets commits suites doubles docs sim conform fuzz soak commands"),
};

/** Only these are at the top of a directory. */
const TOPS: Readonly<Record<string, readonly string[]>> = {
  bench: words("commands run_action"),
  initiator: words("library example commands"),
  target: words("outcome systemd sentences serve commands"),
  testing: words("sources ratchets commits commands"),
};

/** Started by a person or by another process, so that nothing imports them. */
const STARTED: readonly RegExp[] = [
  /^aoe\.ts$/,
  /^fixtures\//,
  /^bin\/build_executable\.ts$/,
  /^testing\/docs\//,
  /\.bench\.ts$/,
  /^bench\/micro\/micro\.ts$/,
  // By `npm run check`.
  /^testing\/commits\.ts$/,
  // By the report's page, and by docs/nbd.md.
  /^bench\/report\/page\/page\.ts$/,
  /^bench\/claims\/nbd\.ts$/,
];

/** What package.json exports. */
const PUBLIC: readonly string[] = ["initiator/library.ts"];

/** Exports that nothing in this tree takes; the list may only shrink. */
const KEPT: readonly string[] = [
  // `bench ab` of another revision loads them by path (bench/run/parts.ts).
  "testing/sim/golden.ts goldenTable",
  "testing/sim/golden.ts formatTable",
];

function words(text: string): readonly string[] {
  return text.split(" ");
}

function directoryOf(path: string): string {
  return path.includes("/") ? (path.split("/")[0] ?? "") : "";
}

/** The folder or file at the top of its directory in which a file stands. */
function placeOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/(\.test)?\.ts$/, "");
}

type Rule = (sources: readonly Source[]) => string[];

interface Checked {
  readonly name: string;
  readonly check: Rule;
  /** Trees that break the rule, each in one way. */
  readonly planted: readonly (readonly Source[])[];
}

function source(path: string, ...imports: readonly string[]): Source {
  return { path, text: imports.map((module) => `import { x } from "${module}";\n`).join("") };
}

const product = (sources: readonly Source[]): Source[] => sources.filter((each) => !isTest(each));

function roomOrder(sources: readonly Source[]): string[] {
  return product(sources).flatMap((each) => {
    const directory = directoryOf(each.path);
    if (directory === "") return [];
    const allowed = MAY_IMPORT[directory];
    if (allowed === undefined) return [`${directory}/ is not in the order of directories`];
    return ownImportsOf(each)
      .map(directoryOf)
      .filter((other) => other !== directory && other !== "" && !allowed.includes(other))
      .map((other) => `${each.path} imports ${other}/`);
  });
}

function orderWithin(sources: readonly Source[]): string[] {
  return product(sources).flatMap((each) => {
    const directory = directoryOf(each.path);
    const order = WITHIN[directory];
    if (order === undefined) return [];
    const at = order.indexOf(placeOf(each.path));
    if (at < 0) return [`${each.path} has no place in the order of ${directory}/`];
    return ownImportsOf(each)
      .filter((other) => directoryOf(other) === directory && order.indexOf(placeOf(other)) > at)
      .map((other) => `${each.path} imports ${other}, which stands after it`);
  });
}

/** Circles of imports, type imports included: the strongly connected parts of more than one file (Tarjan). */
function circles(sources: readonly Source[]): string[] {
  const graph = new Map(product(sources).map((each) => [each.path, ownImportsOf(each)]));
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[] = [];
  const visit = (path: string): void => {
    const number = index.size;
    index.set(path, number);
    low.set(path, number);
    stack.push(path);
    for (const next of graph.get(path) ?? []) {
      if (!graph.has(next)) continue;
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(path, Math.min(low.get(path) ?? 0, low.get(next) ?? 0));
    }
    if (low.get(path) !== number) return;
    const part = stack.splice(stack.indexOf(path));
    if (part.length > 1) found.push(part.sort().join(" "));
  };
  for (const path of graph.keys()) if (!index.has(path)) visit(path);
  return found;
}

function testingStaysOutside(sources: readonly Source[]): string[] {
  return product(sources).flatMap((each) => {
    if (directoryOf(each.path) === "testing" || each.path === "aoe.ts") return [];
    const found = ownImportsOf(each).filter((other) => directoryOf(other) === "testing");
    return [
      ...found.map((other) => `${each.path} imports ${other}`),
      ...(importsOf(each).includes("bun:test") ? [`${each.path} imports bun:test`] : []),
    ];
  });
}

function roomTops(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.split("/").length === 2)
    .filter(({ path }) => TOPS[directoryOf(path)]?.includes(placeOf(path)) === false)
    .map(({ path }) => `${path} stands at the top of ${directoryOf(path)}/`);
}

function deadFiles(sources: readonly Source[]): string[] {
  const started = (path: string): boolean => STARTED.some((pattern) => pattern.test(path));
  const named = new Set(sources.flatMap(ownImportsOf));
  // A file that another process starts is named by its path.
  const text = sources.map((each) => each.text).join("\n");
  return product(sources)
    .filter(({ path }) => !started(path) && !named.has(path))
    .filter(({ path }) => !text.includes(`${posix.basename(path)}"`))
    .map(({ path }) => `${path} is imported and started by nobody`);
}

/** An export lives by another file than its own test; a type, or what the own test sees inside, by its own file. */
function deadExports(sources: readonly Source[]): string[] {
  const takers = new Map<
    string,
    { readonly source: Source; readonly names: readonly string[] }[]
  >();
  for (const source of sources) {
    for (const [path, names] of namesTakenBy(source)) {
      const known = takers.get(path) ?? [];
      takers.set(path, [...known, { source, names }]);
    }
  }
  return product(sources).flatMap((each) => {
    const { path, text } = each;
    if (PUBLIC.includes(path)) return [];
    const own = [".test.ts", ".long.test.ts"].map((end) => path.replace(/\.ts$/, end));
    return exportsOf(each)
      .filter(({ name, isType }) => {
        const word = new RegExp(`\\b${name}\\b`, "g");
        const by = (takers.get(path) ?? []).filter(
          ({ source, names }) =>
            names.includes(name) || (names.includes("*") && source.text.search(word) >= 0),
        );
        if (by.some(({ source }) => !own.includes(source.path))) return false;
        return [...text.matchAll(word)].length < 2 || (!isType && by.length === 0);
      })
      .map(({ name }) => `${path} ${name}`)
      .filter((dead) => !KEPT.includes(dead))
      .map((dead) => `${dead} is exported for nobody but its own test`);
  });
}

const RULES: readonly Checked[] = [
  {
    name: "a directory imports only from those before it",
    check: roomOrder,
    planted: [
      [source("wire/aoe.ts", "../words/quantity.ts")],
      [
        {
          path: "initiator/pool/a.ts",
          text: 'const x = await import("../../target/export.ts");\n',
        },
      ],
      [{ path: "link/a.ts", text: 'export { y } from "../lab/lab.ts";\n' }],
      [{ path: "initiator/a.ts", text: 'import type { Y } from "../sys/libc.ts";\n' }],
      [source("helpers/a.ts")],
    ],
  },
  {
    name: "within a directory nothing imports from what comes after it",
    check: orderWithin,
    planted: [
      [source("bench/load/a.ts", "../report/b.ts")],
      [source("initiator/pool/a.ts", "../protocol/b.ts")],
      [source("target/protocol/a.ts", "../serve.ts")],
      [source("testing/doubles/a.ts", "../sim/b.ts")],
      [source("bench/elsewhere/a.ts")],
    ],
  },
  {
    name: "no circle of imports, type imports included",
    check: circles,
    planted: [
      [source("wire/a.ts", "./b.ts"), source("wire/b.ts", "./a.ts")],
      [
        source("link/a.ts", "./b.ts"),
        { path: "link/b.ts", text: 'import type { C } from "./c.ts";\n' },
        { path: "link/c.ts", text: 'import type { A } from "./a.ts";\n' },
      ],
    ],
  },
  {
    name: "testing/ is imported by tests, by itself and by aoe.ts alone",
    check: testingStaysOutside,
    planted: [
      [source("bench/run/a.ts", "../../testing/doubles/b.ts")],
      [source("link/suite.ts", "bun:test")],
    ],
  },
  {
    name: "only its named files are at the top of a directory",
    check: roomTops,
    planted: [[source("bench/a.ts")], [source("target/a.test.ts")]],
  },
  {
    name: "no file is dead",
    check: deadFiles,
    planted: [[source("wire/a.ts"), source("wire/b.ts", "./c.ts")]],
  },
  {
    name: "no export is dead",
    check: deadExports,
    planted: [
      [{ path: "wire/a.ts", text: "export const x = 1;\n" }],
      [{ path: "wire/a.ts", text: "export const x = 1;\nconst y = x;\n" }],
      [{ path: "wire/a.ts", text: "export interface X {}\n" }],
      [{ path: "wire/a.ts", text: "export function x() {}\n" }, source("wire/a.test.ts", "./a.ts")],
      [
        { path: "wire/a.ts", text: "export async function x() {}\n" },
        { path: "wire/b.ts", text: 'import { y } from "./a.ts";\n' },
      ],
    ],
  },
];

describe("house", () => {
  test("there is something to check", () => {
    expect(all.map(({ path }) => path)).toContain("aoe.ts");
    expect(new Set(all.map(({ path }) => directoryOf(path))).size).toBeGreaterThan(8);
    expect(manifest.name).toBe("aoe");
  });

  for (const { name, check, planted } of RULES) {
    test(name, () => expect(check(all)).toEqual([]));

    test(`${name}: what breaks it is found`, () => {
      for (const tree of planted) expect([tree, check(tree).length > 0]).toEqual([tree, true]);
    });
  }
});
