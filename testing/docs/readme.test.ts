// README is true: each block of shell commands in it runs as shown, but for the installation, what takes
// minutes and what needs a real interface; and its pictures are what its commands make.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { readResult } from "../../bench/result/result_file.ts";
import { blocksOf, testBlocks } from "./examples.ts";

const ROOT = join(import.meta.dir, "../..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const blocks = blocksOf(README).filter(({ text }) => !/^npm |^bun install/m.test(text));
const pictures = [...README.matchAll(/!\[[^\]]+\]\((docs\/\w+\.svg)\)/g)].map(
  ([, path = ""]) => path,
);

describe("README", () => {
  test("has commands, the two main ones among its blocks", () => {
    expect(blocks.filter(({ mark }) => mark !== "slow").length).toBeGreaterThan(6);
    expect(README).toContain("npm install && npm run demo");
    expect(README).toContain("npm install && npm test");
  });

  test("says that AoE has no authentication and belongs on a network of its own", () => {
    expect(README).toContain("no authentication");
    expect(README).toContain("network of its own");
  });

  test("has pictures, each made by one of its commands", () => {
    expect(pictures.length).toBe(2);
    for (const path of pictures) {
      const name = path.replace("docs/", "");
      expect(blocks.some(({ mark, text }) => mark === "" && text.includes(`-o ${name}`))).toBe(
        true,
      );
    }
  });

  test("its figures of the measured result are that result's", () => {
    const { cells } = readResult(join(ROOT, "fixtures/results/headroom.json"));
    const fastAndLate = cells.filter(
      ({ axes }) => axes.service === "fast" && axes.reclaim === "coalesce:64/1ms",
    );
    expect(fastAndLate.length).toBe(2);
    for (const { median } of fastAndLate) {
      expect(README).toContain(`${Math.round(median?.iops ?? 0).toLocaleString("en-US")}`);
    }
  });

  // What compares two revisions takes 20 s: readme.long.test.ts.
  testBlocks(
    blocks.filter(({ mark }) => mark !== "git"),
    (_text, directory) => {
      for (const path of pictures) {
        const made = join(directory, path.replace("docs/", ""));
        if (!existsSync(made)) continue;
        const kept = readFileSync(join(ROOT, path), "utf8");
        expect(readFileSync(made, "utf8") === kept).toBe(true);
      }
    },
  );
});
