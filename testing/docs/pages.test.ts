// Every page's commands run as they are printed: those of pages that no other test runs, and that all can be typed.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { describe, expect, test } from "bun:test";

import manifest from "../../package.json" with { type: "json" };
import { blocksOf, testBlocks } from "./examples.ts";

const ROOT = join(import.meta.dir, "../..");
const DOCS = join(ROOT, "docs");
const HERE = [
  ...["conformance.md", "fuzzing.md", "install.md", "performance.md"],
  ...["pool.md", "simulator.md", "soak.md"],
];
/** Pages whose own tests run their blocks. */
const ELSEWHERE = ["bench.md", "initiator.md", "nbd.md", "report.md", "target.md"];

const read = (name: string): string => readFileSync(join(DOCS, name), "utf8");
const pages = readdirSync(DOCS).filter((name) => name.endsWith(".md"));

test("each page with commands is run by a test", () => {
  const withCommands = pages.filter((name) => blocksOf(read(name)).length > 0);
  expect(withCommands.filter((name) => ![...HERE, ...ELSEWHERE].includes(name))).toEqual([]);
});

test("outside a lab a command begins with npx, as a reader of a clone must type it", () => {
  const texts = [...pages.map(read), readFileSync(join(ROOT, "README.md"), "utf8")];
  const lines = texts.flatMap((text) => blocksOf(text).flatMap((block) => block.text.split("\n")));
  expect(lines.filter((line) => /^(aoe|bun aoe\.ts) /.test(line))).toEqual([]);
});

test("what a page links to exists, and so does every file that CONTRIBUTING names", () => {
  const all = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].concat(
    pages.map((name) => `docs/${name}`),
  );
  const missing = all.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), "utf8");
    const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)(#[^)]*)?\)/g)].map(
      ([, to = ""]) => to,
    );
    return links
      .filter((to) => !existsSync(join(ROOT, dirname(page), to)))
      .map((to) => `${page}: ${to}`);
  });
  expect(missing).toEqual([]);
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

describe.each(HERE)("docs/%s", (name) => {
  testBlocks(blocksOf(read(name)));
});
