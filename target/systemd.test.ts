// The unit of systemd, read by systemd itself: nothing in it is unknown, and it stays as closed as docs/install.md says.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../lab/programs.ts";

const UNIT = join(import.meta.dir, "../systemd/aoe-target@.service");
const analyze = findProgram("systemd-analyze");
const why = analyze === null ? " (skipped: systemd-analyze is not here)" : "";

test.skipIf(analyze === null)(`systemd takes the unit, and rates its exposure${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-unit-"));
  const copy = join(folder, "aoe-target@.service");
  // The program need not be installed here.
  writeFileSync(copy, readFileSync(UNIT, "utf8").replaceAll("/usr/local/bin/aoe", "/bin/true"));
  const run = (...words: string[]) => {
    const ran = Bun.spawnSync([analyze ?? "", ...words, copy], { stdout: "pipe", stderr: "pipe" });
    return [ran.exitCode, ran.stderr.toString()];
  };
  expect(run("verify")).toEqual([0, ""]);
  // Each version of systemd rates a little differently; 252 says 25. Without its restrictions it was 50.
  expect(run("security", "--offline=true", "--threshold=30", "--no-pager")[0]).toBe(0);
  rmSync(folder, { recursive: true });
});
