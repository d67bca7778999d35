// README is true: each block of shell commands in it runs as shown, but for the installation, what takes
// minutes and what needs a real interface; and its pictures are what its commands make.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { blocksOf, testBlocks } from "./bench/examples.ts";

const README = readFileSync(join(import.meta.dir, "README.md"), "utf8");
const blocks = blocksOf(README).filter(({ text }) => !/^npm |^bun install/m.test(text));
const pictures = [...README.matchAll(/!\[[^\]]+\]\((docs\/\w+\.svg)\)/g)].map(
  ([, path = ""]) => path,
);

describe("README", () => {
  test("has commands, the two main ones among its blocks", () => {
    expect(blocks.filter(({ mark }) => mark !== "slow").length).toBeGreaterThan(4);
    expect(README).toContain("npm install && npm run demo");
    expect(README).toContain("npm install && npm test");
  });

  test("says that AoE has no authentication and belongs on a network of its own", () => {
    expect(README).toContain("no authentication");
    expect(README).toContain("network of its own");
  });

  testBlocks(blocks, (_text, directory) => {
    for (const path of pictures) {
      const made = join(directory, path.replace("docs/", ""));
      if (!existsSync(made)) continue;
      const kept = readFileSync(join(import.meta.dir, path), "utf8");
      expect(readFileSync(made, "utf8") === kept).toBe(true);
    }
  });
});
