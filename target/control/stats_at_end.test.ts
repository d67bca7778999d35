// Where the file of --stats-at-end can't be written; what stands in it is tested by serve.test.ts.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EXIT, Failure } from "../../words/failure.ts";
import { openStatsAtEnd } from "./stats_at_end.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-stats-at-end-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "directory"));
writeFileSync(join(folder, "file"), "of before");

function refusal(path: string): Failure {
  try {
    openStatsAtEnd(path);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it was opened");
}

test.each([
  ["none/file", "No such file or directory (ENOENT)"],
  ["file/file", "what should be its directory is a file"],
  ["directory", "it is no regular file"],
  ["/dev/null", "it is no regular file"],
])("%s is refused at the start: %s", (name, reason) => {
  const path = name.startsWith("/") ? name : join(folder, name);
  const { message, exitCode } = refusal(path);
  expect([message, exitCode]).toEqual([
    `Can't write the figures ${path}: ${reason}`,
    EXIT.environment,
  ]);
});

test("an older file is emptied, also behind a link", () => {
  const link = join(folder, "link");
  symlinkSync("file", link);
  openStatsAtEnd(link);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("");
});
