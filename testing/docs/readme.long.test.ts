// README's commands that compare two revisions of a repository run as shown.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "bun:test";

import { blocksOf, testBlocks } from "./examples.ts";

const README = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const blocks = blocksOf(README).filter(({ mark }) => mark === "git");

test("there is one", () => {
  expect(blocks.length).toBeGreaterThan(0);
});
testBlocks(blocks);
