// `aoe bench pins` where it is known how late an interface releases: behind tbf at 8 Mbit/s, and
// a plain veth.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AOE } from "../../lab/programs.ts";
import { testsInLab } from "../../testing/suites/in_lab.ts";
import { inShell } from "../../testing/suites/in_namespace.ts";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import { runChild } from "../machine/child.ts";
import { readAs } from "../result/result_file.ts";
import { PINS, PinsSchema, type PinsResult } from "./pins_result.ts";
import { showPins } from "./pins_show.ts";

testsInLab(import.meta.path, { late: true, mtu: 1500 }, () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-pins-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function pins(...words: string[]): Promise<PinsResult> {
    const file = join(folder, "pins.json");
    const command = [process.execPath, AOE, "bench", "pins", ...words, "-o", file];
    const { code, stderr } = await runChild(command);
    expect([code, stderr]).toEqual([0, ""]);
    return readAs(file, PinsSchema, PINS);
  }

  test("behind tbf the fit predicts scan-swap's headroom within two on each link", async () => {
    inShell("tc qdisc replace dev h1 root tbf rate 8mbit burst 1600 limit 64mb");
    const near = new Set<string>();
    // On a busy machine tbf's own timer is late at times.
    for (let tries = 0; tries < 4 && near.size < PINNING_LINKS.length; tries++) {
      const { links } = await pins("t0");
      expect(links.map(({ link }) => link)).toEqual([...PINNING_LINKS]);
      for (const { link, fit, needs, spreads } of links) {
        expect(spreads.map(({ frames }) => frames)).toEqual([20, 250, 8 * 31, 8]);
        const { found, predicted } = needs.scan_swap;
        if (!fit.model.startsWith("line:")) continue;
        if (Math.abs(found.headroom - predicted.headroom) <= 2 && found.headroom > 8)
          near.add(link);
      }
    }
    expect([...near].sort()).toEqual([...PINNING_LINKS]);
  }, 60_000);

  test("on an eager veth nothing is needed", async () => {
    const eager = new Set<string>();
    for (let tries = 0; tries < 4 && eager.size < PINNING_LINKS.length; tries++) {
      const result = await pins("a0");
      for (const one of result.links) {
        if (one.fit.model !== "eager") continue;
        expect(one.needs.scan_swap.predicted.headroom).toBe(0);
        expect(showPins({ ...result, links: [one] })).toContain("Nothing is needed");
        eager.add(one.link);
      }
    }
    expect(eager.size).toBe(PINNING_LINKS.length);
  }, 60_000);

  test("each setting of ethtool -C is measured, and what was there is put back", async () => {
    // What a veth has not: an ethtool that says so, and notes what it was asked.
    const said = join(folder, "said");
    const program = join(folder, "ethtool");
    writeFileSync(
      program,
      `#!/bin/sh\necho "$@" >> ${said}\n[ $1 != -c ] || printf "tx-usecs: 7\\ntx-frames: 3\\n"\n`,
    );
    chmodSync(program, 0o755);
    const own = ["--link", "xdp", "--runtime", "20ms", "--bursts", "1", "--tx-usecs", "0,50"];
    const file = join(folder, "swept.json");
    const command = [process.execPath, AOE, "bench", "pins", "a0", ...own, "-o", file];
    const env = { ...process.env, PATH: `${folder}:${process.env["PATH"]}` };
    const run = Bun.spawnSync(command, { env, stdout: "ignore", stderr: "pipe" });
    expect([run.exitCode, run.stderr.toString()]).toEqual([0, ""]);
    const { links } = readAs(file, PinsSchema, PINS);
    expect(links.map(({ tx_usecs, tx_frames }) => [tx_usecs, tx_frames])).toEqual([
      [0, null],
      [50, null],
    ]);
    const set = readFileSync(said, "utf8")
      .split("\n")
      .filter((line) => line.startsWith("-C"));
    const back = "-C a0 tx-usecs 7 tx-frames 3";
    expect(set).toEqual(["-C a0 tx-usecs 0", "-C a0 tx-usecs 50", back]);
  }, 30_000);

  test("a signal ends it by its code, and the result says so", async () => {
    const file = join(folder, "cut.json");
    const own = ["--link", "ring", "--runtime", "30s", "-o", file];
    const child = Bun.spawn([process.execPath, AOE, "bench", "pins", "a0", ...own], {
      stdout: "ignore",
      stderr: "ignore",
    });
    await Bun.sleep(3000);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(readAs(file, PinsSchema, PINS)).toMatchObject({ cut_short: true, links: [] });
  }, 30_000);

  test("coalescing that an interface has not is one sentence", async () => {
    const command = [process.execPath, AOE, "bench", "pins", "a0", "--tx-usecs", "0,50"];
    const { code, stderr } = await runChild(command);
    expect([code, stderr.trim().split("\n").length]).toEqual([5, 1]);
  });
});
