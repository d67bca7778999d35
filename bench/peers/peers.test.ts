// Peers without a run: what the options refuse, how trials become ratios and bars, results joined.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "bun:test";
import { Failure } from "../../words/failure.ts";
import { barsOf, FRUGAL } from "./bars.ts";
import { formatBlocks, markdownBlocks } from "../result/blocks.ts";
import { readAs } from "../result/result_file.ts";
import { mergeExperiments } from "../run/experiment.ts";
import { peers } from "./peers.ts";
import { type PeersResult, PeersSchema, type PeersTrial } from "./result.ts";
import { showPeers } from "./show.ts";
import { meansOf, summarize, summaryOf } from "./summary.ts";

describe("options", () => {
  test("the whole table has 24 cells", () => {
    const options = peers.parse({});
    expect(options.cells.length).toBe(24);
    expect(options.arms).toEqual(["ours", "vblade", "vblade-default", "echo-socket", "echo-ring"]);
    expect(options.parts).toEqual(["cells", "one-cpu", "load", "idle"]);
  });

  test("a peer that is named runs beside the others, or alone with ours", () => {
    const peer = ["mine=mytarget {SHELF} {SLOT} {IF} {IMAGE}"];
    expect(peers.parse({ peer }).arms.at(-1)).toBe("mine");
    expect(peers.parse({ peer, arms: "ours,mine" }).arms).toEqual(["ours", "mine"]);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["an unknown part", { parts: "cells,moon" }, "`--parts` to be one of cells, one-cpu"],
    ["an unknown arm", { arms: "ours,qaoed" }, "`--arms` to be a list of ours, vblade"],
    ["a block that is no sector", { bs: "700" }, "`--bs` to be sizes in multiples of 512"],
    ["a block of two frames", { bs: "16k" }, "up to 8704 with MTU 9000"],
    ["a depth of 0", { iodepth: "1,0" }, "`--iodepth` to be an integer between 1 and 1024"],
    ["a direction", { rw: "sideways" }, "`--rw` to be one of read, write, got `sideways`"],
    ["no rounds", { rounds: "0" }, "`--rounds` to be an integer between 1"],
    ["a runtime of nothing", { runtime: "0s" }, "`--runtime` to be a duration above 0"],
    ["a small image", { imageSize: "512" }, "`--image-size` to be a multiple of 512 bytes from 1m"],
    ["a folder that is none", { imageIn: "/none" }, "`--image-in` to be a folder, got `/none`"],
    ["a peer without a command", { peer: ["mine"] }, "`--peer` to be a name of small letters"],
    ["a peer without a place", { peer: ["mine=x"] }, "a command with {IF}"],
    ["an unknown place", { peer: ["mine=x {IF} {NOWHERE}"] }, "got `{NOWHERE}`"],
    ["a peer named as ours", { peer: ["ours=x {IF}"] }, "a name that no other target has"],
    ["two peers of a name", { peer: ["a=x {IF}", "a=y {IF}"] }, "a name that no other target has"],
  ])("%s is refused in a sentence", (_name, texts, part) => {
    let message = "";
    try {
      peers.parse(texts);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      expect(error.exitCode).toBe(2);
      message = error.message;
    }
    expect(message).toContain(part);
  });
});

function trial(
  arm: string,
  round: number,
  iops: number,
  more: Partial<PeersTrial> = {},
): PeersTrial {
  return {
    part: "cells",
    bs: 4096,
    iodepth: 16,
    rw: "read",
    arm,
    round,
    attempt: 0,
    disturbed: false,
    others_cpu_share: 0,
    exit_code: 0,
    failure: null,
    figures: {
      iops,
      lat_p50_ns: 1e9 / iops,
      lat_p99_ns: 2e9 / iops,
      lat_p999_ns: 3e9 / iops,
      target_cpu_per_command_ns: 1e9 / iops,
      target_resident_bytes: 1 << 20,
      load_cpu_per_command_ns: 4000,
      load_busy_share: 0.5,
      load_way: null,
      target_way: null,
      retransmits: 0,
      receive_drops: 0,
    },
    ...more,
  };
}

describe("ratios", () => {
  test("are taken round by round, not between medians", () => {
    // The machine slowed down fourfold in the middle; ours was twice as fast throughout.
    const trials = [100, 25, 100].flatMap((speed, round) => [
      trial("ours", round, 2 * speed),
      trial("vblade", round, speed),
    ]);
    const [cell] = summarize(trials, "cells", ["ours", "vblade"]);
    expect(cell?.ratios).toMatchObject([
      { arm: "vblade", iops: { n: 3, median: 2, low: 2, high: 2 }, lat_p99: { median: 0.5 } },
    ]);
    expect(cell?.ratios[0]?.target_cpu?.median).toBe(0.5);
    expect(cell?.ratios[0]?.load_cpu.median).toBe(1);
    expect(cell?.arms.map(({ iops }) => iops.median)).toEqual([200, 100]);
  });

  test("leave out a round in which one side failed", () => {
    const lost = { exit_code: 6, failure: "nobody answered", figures: null };
    const trials = [
      trial("ours", 0, 300),
      trial("vblade", 0, 100),
      trial("ours", 1, 300),
      trial("vblade", 1, 100, lost),
    ];
    const [cell] = summarize(trials, "cells", ["ours", "vblade"]);
    expect(cell?.ratios[0]?.iops.n).toBe(1);
    expect(cell?.arms.map(({ iops }) => iops.n)).toEqual([2, 1]);
  });

  test("of cells are averaged geometrically, deep and shallow apart", () => {
    const at = (iodepth: number, ratio: number): PeersTrial[] => [
      trial("ours", 0, 100 * ratio, { iodepth }),
      trial("vblade", 0, 100, { iodepth }),
    ];
    const trials = [...at(1, 3), ...at(16, 4), ...at(64, 1)];
    const cells = summarize(trials, "cells", ["ours", "vblade"]);
    expect(cells.map(({ iodepth }) => iodepth)).toEqual([1, 16, 64]);
    const [deep, deepest, shallow] = meansOf("cells", cells, ["ours", "vblade"]);
    expect(deep).toMatchObject({ arm: "vblade", iodepths: [16, 64], cells: 2 });
    expect(deep?.iops).toBeCloseTo(2, 10);
    expect(deepest?.iops).toBeCloseTo(1, 10);
    expect(shallow?.iops).toBeCloseTo(3, 10);
  });

  test("of our load are over the one in C that waits as it does", () => {
    const loads = { load: 100, "load in C": 400, "load, frugal": 90, "load in C, frugal": 180 };
    const trials = Object.entries(loads).map(([arm, iops]) =>
      trial(arm, 0, iops, { part: "load" }),
    );
    const [cell] = result(trials).loads;
    expect(cell?.ratios.map(({ arm, iops }) => [arm, iops.median])).toEqual([
      ["load in C", 0.25],
      ["load in C, frugal", 0.5],
    ]);
  });

  test("say which way frames left, without the shares that differ", () => {
    const ways = ["AF_XDP 100 %", "AF_XDP 98 %, send 2 %", "AF_XDP 97 %, send 3 %"];
    const trials = ways.map((target_way, round) => {
      const one = trial("ours", round, 100);
      return { ...one, figures: one.figures === null ? null : { ...one.figures, target_way } };
    });
    expect(showPeers(result(trials)).sentences[0]).toBe(
      "Frames of our target left by: AF_XDP, send (2 of 3 trials); AF_XDP (1 of 3 trials)",
    );
  });

  test("count for no mean and no bar where the load was the limit, and are marked", () => {
    const busy = (one: PeersTrial): PeersTrial => ({
      ...one,
      figures: one.figures === null ? null : { ...one.figures, load_busy_share: 0.99 },
    });
    const deep = { iodepth: 64 };
    const both = result([
      trial("ours", 0, 300),
      trial("vblade", 0, 100),
      trial("ours", 0, 50, deep),
      busy(trial("vblade", 0, 100, deep)),
    ]);
    expect(both.cells.map(({ ratios }) => ratios[0]?.by_load)).toEqual([false, true]);
    const [mean, ...others] = both.means;
    expect(mean).toMatchObject({ iodepths: [16, 64], cells: 1 });
    expect([mean?.iops.toFixed(6), others]).toEqual(["3.000000", []]);
    expect(both.bars[0]?.found).toStartWith("3.00 at worst");
    const text = formatBlocks(showPeers(both));
    expect(text).toContain("≥ 100 ×0.50");
    expect(text).toContain("≥: the load was the limit");
  });
});

/** A result with these trials; 4k reads. */
function result(trials: PeersTrial[], more: Partial<PeersResult> = {}): PeersResult {
  const arms = ["ours", "vblade"].map((arm) => ({ arm, command: arm }));
  const idle = more.idle ?? [];
  return {
    schema_version: 1,
    kind: "aoe bench peers",
    started_at: "2026-01-01T00:00:00.000Z",
    cut_short: false,
    elapsed_ns: 1e9,
    seeds: [1],
    setting: {
      mtu: 9000,
      image_bytes: 1 << 20,
      image_in_memory: true,
      rounds: 1,
      runtime_ns: 1e8,
      warm_up_ns: 1e8,
      target_cpu: 0,
      load_cpu: 1,
    },
    provenance: {
      program: "aoe",
      git_revision: "a",
      git_dirty: false,
      bun: "1",
      kernel: "6",
      architecture: "x64",
      cpu: "one",
      cpus_allowed: [0, 1],
      governor: null,
      machine: "m",
      user: "root",
    },
    arms,
    absent: [],
    trials,
    idle,
    ...summaryOf({ arms, trials, idle }),
    ...more,
  };
}

describe("bars", () => {
  const nothing = { cells: [], one_cpu: [], loads: [], idle: [] };

  test("say what was not measured", () => {
    const bars = barsOf(nothing);
    expect(bars.length).toBe(12);
    for (const bar of bars) expect(bar).toMatchObject({ found: null, met: null });
  });

  test("of each cell are judged by the worst", () => {
    const pair = (iodepth: number, ratio: number): PeersTrial[] => [
      trial("ours", 0, 100 * ratio, { iodepth }),
      trial("vblade", 0, 100, { iodepth }),
    ];
    const [each, deepest, limit] = result([...pair(16, 4), ...pair(64, 0.9)]).bars;
    expect(each).toMatchObject({ bar: "≥ 1.0", met: false });
    expect(each?.found).toStartWith("0.90 at worst (4k read depth 64)");
    expect(deepest).toMatchObject({ bar: "≥ 1.6", found: "0.90 over 1 cell", met: false });
    expect(limit).toMatchObject({ bar: "≥ 0.85", found: null, met: null });
  });

  test("of an idle target are judged by medians, and the CPU by the mode that does not spin", () => {
    const idle = [
      {
        arm: "ours",
        start_ns: [50e6, 90e6, 59e6],
        idle_cpu_share: [0.3],
        resident_bytes: [65 << 20],
      },
      { arm: FRUGAL, start_ns: [80e6], idle_cpu_share: [0.005], resident_bytes: [1] },
    ];
    const bars = barsOf({ ...nothing, idle }).slice(-3);
    expect(bars.map(({ met }) => met)).toEqual([true, false, false]);
    expect(bars[0]?.found).toBe("59.0 ms (3 starts, 50.0 to 90.0)");
  });
});

describe("results of several runs", () => {
  test("are shown as one: cells beside each other, rounds of one cell after each other", () => {
    const one = result([trial("ours", 0, 100), trial("vblade", 0, 100)]);
    const two = result([trial("ours", 0, 300), trial("vblade", 0, 100)]);
    const both = mergeExperiments(peers, [one, two]);
    expect(both.cells[0]?.ratios[0]?.iops).toMatchObject({ n: 2, low: 1, high: 3 });
    expect(both.trials.map(({ round }) => round)).toEqual([0, 0, 1, 1]);
    expect(formatBlocks(showPeers(both))).toContain("×2.00");
  });

  test("of two machines, revisions or settings are not", () => {
    const one = result([trial("ours", 0, 100)]);
    for (const [other, what] of [
      [{ ...one, provenance: { ...one.provenance, machine: "n" } }, "the machine"],
      [{ ...one, provenance: { ...one.provenance, git_revision: "b" } }, "the revision"],
      [{ ...one, setting: { ...one.setting, mtu: 1500 } }, "the setting"],
    ] as const) {
      expect(() => mergeExperiments(peers, [one, other])).toThrow(`they differ in ${what}`);
    }
  });
});

describe("docs/performance.md", () => {
  test("shows the figures of fixtures/results/peers.json", () => {
    const root = join(import.meta.dir, "../..");
    const page = unpadded(readFileSync(join(root, "docs", "performance.md"), "utf8"));
    const result = readAs(join(root, "fixtures", "results", "peers.json"), PeersSchema, peers.kind);
    for (const block of markdownBlocks(showPeers(result)).split("\n\n"))
      expect(page).toContain(unpadded(block));
  });
});

/** The formatter pads tables and folds lines. */
function unpadded(text: string): string {
  return text
    .replaceAll(/-{3,}/g, "---")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?\| ?/g, "|");
}
