// Every page's commands run as they are printed: those of pages that no other test runs, and that all can be typed.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "bun:test";

import manifest from "../../package.json" with { type: "json" };
import { blocksOf, testBlocks } from "./examples.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCS = join(ROOT, "docs");
const HERE = [
  ...["conformance.md", "decode.md", "fuzzing.md", "install.md", "lab.md", "performance.md"],
  ...["pool.md", "simulator.md", "soak.md"],
];
/** Pages whose own tests run their blocks; extend.md's run in a copy with an `aoe` of its own. */
const IN_A_COPY = "extend.md";
const ELSEWHERE = ["bench.md", IN_A_COPY, "initiator.md", "nbd.md", "report.md", "target.md"];

const TOP = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"];

const read = (name: string): string => readFileSync(join(DOCS, name), "utf8");
const pages = readdirSync(DOCS).filter((name) => name.endsWith(".md"));

test("each page with commands is run by a test", () => {
  const withCommands = pages.filter((name) => blocksOf(read(name)).length > 0);
  expect(withCommands.filter((name) => ![...HERE, ...ELSEWHERE].includes(name))).toEqual([]);
});

test("outside a lab a command begins with npx, as a reader of a clone must type it", () => {
  const typed = pages.filter((name) => name !== IN_A_COPY).map(read);
  const texts = [...typed, readFileSync(join(ROOT, "README.md"), "utf8")];
  const lines = texts.flatMap((text) => blocksOf(text).flatMap((block) => block.text.split("\n")));
  expect(lines.filter((line) => /^(aoe|bun aoe\.ts) /.test(line))).toEqual([]);
});

test("every file that CONTRIBUTING names exists", () => {
  const named = [
    ...readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8").matchAll(/`([\w.]+\/[\w./]+)`/g),
  ].map(([, path = ""]) => path);
  expect(named.length).toBeGreaterThan(15);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test("the changelog has this version", () => {
  const text = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8");
  expect(text).toContain(`## ${manifest.version}\n`);
});

/** What GitHub makes of a heading: small letters, no marks, `-` for blanks. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
    .replaceAll(" ", "-");

const anchorsOf = (text: string): string[] =>
  [...text.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    anchorOf(heading),
  );

test("each link of a page leads to a file, and to a heading of it", () => {
  const broken: string[] = [];
  for (const page of [...pages.map((name) => `docs/${name}`), ...TOP]) {
    const text = readFileSync(join(ROOT, page), "utf8");
    for (const [, link = ""] of text.matchAll(/\]\((?!\w+:)([^)\s]+)\)/g)) {
      const [path = "", anchor] = link.split("#");
      const file = path === "" ? join(ROOT, page) : join(ROOT, dirname(page), path);
      const known =
        existsSync(file) &&
        (anchor === undefined || anchorsOf(readFileSync(file, "utf8")).includes(anchor));
      if (!known) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
});

describe.each(HERE)("docs/%s", (name) => {
  testBlocks(blocksOf(read(name)));
});
