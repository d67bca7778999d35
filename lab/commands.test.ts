// To which process the signals of `aoe lab` go.

import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { commandOf } from "./commands.ts";
import { childrenOf, readStat } from "./process_tree.ts";
import { READY } from "./setup.ts";

/** What `commandOf` says of a shell with a child: `wanted`, or what it says later. */
async function commandIn(script: string, wanted: string): Promise<unknown> {
  let below: number[] = [];
  const outer = Bun.spawn(["sh", "-c", 'sh -c "$0"; exit', script], { stdin: "ignore" });
  try {
    for (let tries = 0; ; tries++) {
      await Bun.sleep(1);
      const [shell] = childrenOf(outer.pid);
      below = shell === undefined ? [] : [shell, ...childrenOf(shell)];
      if (tries < 2000 && below.length < 2) continue;
      const found = commandOf(outer.pid);
      const kind = typeof found === "number" ? (readStat(found)?.name ?? "gone") : String(found);
      if (kind === wanted || tries === 2000) return kind;
    }
  } finally {
    for (const pid of [outer.pid, ...below]) process.kill(pid, "SIGKILL");
    await outer.exited;
  }
}

describe("the command of a lab, to which its signals go", () => {
  const ready = `printf ${READY} > /proc/self/comm`;
  // The builtin in front keeps a shell from replacing itself by its only command.
  test.each([
    ["is none while the lab is made", "sleep 60; :", "null"],
    [
      "has not begun while its process is the shell's image",
      `${ready}; (read x < FIFO); :`,
      "starting",
    ],
    ["is the process behind", `${ready}; sleep 60; :`, "sleep"],
  ])("%s", async (_, script, wanted) => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-lab-"));
    try {
      const fifo = join(folder, "fifo");
      expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
      expect(await commandIn(script.replace("FIFO", fifo), wanted)).toBe(wanted);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
