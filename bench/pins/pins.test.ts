// `aoe bench pins` where it is known how late an interface releases: behind tbf at 8 Mbit/s, and
// a plain veth.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { AOE } from "../../lab/programs.ts";
import { insideLabTests, testsInLab } from "../../testing/suites/in_lab.ts";
import { inShell } from "../../testing/suites/in_namespace.ts";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import { runChild } from "../machine/child.ts";
import { readAs } from "../result/result_file.ts";
import { PINS, PinsSchema, type PinsLink, type PinsResult } from "./pins_result.ts";
import { showPins } from "./pins_show.ts";

const SOME: PinsLink = {
  link: "ring",
  tx_usecs: 50,
  tx_frames: null,
  frames: 10,
  skipped: 1,
  received: 0,
  resolution_ns: 4000,
  gap_ns: 5000,
  most_held: 32,
  together: 1,
  spreads: [
    {
      phase: "burst",
      frames: 10,
      released: 9,
      p50_ns: 1e6,
      p90_ns: 2e6,
      p99_ns: 3e6,
      max_ns: 4e6,
      histogram: [
        [1e6, 8],
        [4e6, 1],
      ],
    },
  ],
  fit: {
    model: "line:1000000/1600",
    error_ns: 1000,
    error_share: 0.01,
    mean_hold_ns: 1e5,
    depends_on: "what was sent before",
    candidates: [],
  },
  needs: {
    frame_bytes: 1060,
    scan_swap: {
      found: { buffers: 31, headroom: 15, dry: 0 },
      predicted: { buffers: 32, headroom: 16, dry: 0 },
    },
    fixed: {
      found: { buffers: 31, headroom: 15, dry: 0 },
      predicted: { buffers: 32, headroom: 16, dry: 0 },
    },
    by_formula: 32,
    hold_ns: 33e6,
  },
};

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

  test("coalescing that an interface has not is one sentence", async () => {
    const command = [process.execPath, AOE, "bench", "pins", "a0", "--tx-usecs", "0,50"];
    const { code, stderr } = await runChild(command);
    expect([code, stderr.trim().split("\n").length]).toEqual([5, 1]);
  });
});

if (!insideLabTests) {
  describe("in words", () => {
    const result = {
      interface: "eth1",
      setting: { rate: 500, iodepth: 16, burst: 32 },
      links: [SOME],
    } as unknown as PinsResult;

    test("no line is longer than the terminal is wide", () => {
      for (const width of [60, 80, 200]) {
        const lines = showPins(result, width).split("\n");
        expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(width);
      }
    });

    test("what was found, predicted and reckoned stand beside each other", () => {
      const text = showPins(result);
      expect(text).toContain("ring on eth1 with tx-usecs 50");
      expect(text).toContain(
        "beyond those of 16 commands, 15 buffers (the model predicts 16, the formula 16)",
      );
      expect(text).toContain("9/10");
    });
  });
}
