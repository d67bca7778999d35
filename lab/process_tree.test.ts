// The process tree as /proc has it, with names that try to mislead a parser.

import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { expect, test } from "bun:test";

import { childrenOf, readStat } from "./process_tree.ts";
import { findProgram } from "./programs.ts";

test("our own line", () => {
  const stat = readStat("self");
  expect(stat?.pid).toBe(process.pid);
  expect(stat?.parent).toBe(process.ppid);
  expect(readStat(2 ** 30)).toBeNull();
});

test("children, oldest first, whatever they are called", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-tree-"));
  const odd = join(folder, ") R 1 1");
  symlinkSync(findProgram("sleep") ?? "", odd);
  const first = Bun.spawn(["sleep", "100"]);
  await Bun.sleep(20); // the kernel counts start times in ticks of 10 ms
  const second = Bun.spawn([odd, "100"]);
  try {
    await Bun.sleep(20);
    const children = childrenOf(process.pid).filter(
      (pid) => pid === first.pid || pid === second.pid,
    );
    expect(children).toEqual([first.pid, second.pid]);
    expect(readStat(second.pid)?.parent).toBe(process.pid);
  } finally {
    first.kill("SIGKILL");
    second.kill("SIGKILL");
    await Promise.all([first.exited, second.exited]);
    rmSync(folder, { recursive: true });
  }
});
