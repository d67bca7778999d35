// Peers side by side: what the options refuse, how trials become ratios and bars, results joined, and a run of a few
// trials in labs, at a size that measures nothing.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Failure } from "../../words/failure.ts";
import { probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { AOE } from "../../lab/programs.ts";
import { barsOf, FRUGAL } from "./bars.ts";
import { compileLimits } from "./limits.ts";
import { formatBlocks, markdownBlocks } from "../result/blocks.ts";
import { readAs } from "../result/result_file.ts";
import { mergeExperiments } from "../run/experiment.ts";
import { peers } from "./peers.ts";
import { type PeersResult, PeersSchema, type PeersTrial } from "./result.ts";
import { showPeers } from "./show.ts";
import { meansOf, summarize, summaryOf } from "./summary.ts";
import { runChild } from "../machine/child.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-peers-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
    const [deep, shallow] = meansOf("cells", cells, ["ours", "vblade"]);
    expect(deep).toMatchObject({ arm: "vblade", iodepths: [16, 64], cells: 2 });
    expect(deep?.iops).toBeCloseTo(2, 10);
    expect(shallow?.iops).toBeCloseTo(3, 10);
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
    expect(bars.length).toBe(11);
    for (const bar of bars) expect(bar).toMatchObject({ found: null, met: null });
  });

  test("of each cell are judged by the worst", () => {
    const pair = (iodepth: number, ratio: number): PeersTrial[] => [
      trial("ours", 0, 100 * ratio, { iodepth }),
      trial("vblade", 0, 100, { iodepth }),
    ];
    const [each, deep, shallow] = result([...pair(16, 4), ...pair(64, 0.9), ...pair(1, 2.5)]).bars;
    expect(each).toMatchObject({ bar: "≥ 1.0", met: false });
    expect(each?.found).toStartWith("0.90 at worst (4k read depth 64)");
    expect(deep).toMatchObject({ found: "1.90 over 2 cells", met: true });
    expect(shallow).toMatchObject({ found: "2.50 over 1 cell", met: true });
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

async function benchPeers(...words: string[]) {
  return runChild([process.execPath, AOE, "bench", "peers", ...words]);
}

describe("aoe bench peers", () => {
  test("refuses what is no result, and options beside results", async () => {
    const file = join(folder, "other.json");
    writeFileSync(file, "{}");
    const [other, both] = await Promise.all([benchPeers(file), benchPeers(file, "--rounds", "3")]);
    expect(other).toMatchObject({ code: 2, stdout: "" });
    expect(other.stderr).toBe(
      `${file}: Expected a result of \`aoe bench peers\`, got something without kind and schema_version\n`,
    );
    expect(both).toMatchObject({ code: 2, stdout: "" });
    expect(both.stderr).toContain("got `--rounds` too");
  });

  const lab = probeLab({ mtu: 9000 });
  const noLab = lab.available ? "" : ` (skipped: ${lab.reason})`;
  const quick = ["--bs", "512", "--rounds", "1", "--runtime", "500ms", "--warm-up", "100ms"];

  test.skipIf(noLab !== "")(
    `says in one sentence that a target ends too early, and ends with 1${noLab}`,
    async () => {
      const run = await benchPeers(
        ...[...quick, "--iodepth", "1", "--rw", "read", "--parts", "cells", "--arms", "mine"],
        ...["--peer", "mine=false {IF}", "--json"],
      );
      expect(run.code).toBe(1);
      const [failed] = v.parse(PeersSchema, JSON.parse(run.stdout)).trials;
      expect(failed).toMatchObject({ arm: "mine", figures: null, exit_code: 6 });
      expect(failed?.failure).toContain("e7.3 did not answer");
    },
    60_000,
  );

  const noVblade = findProgram("vblade") === null;
  test.skipIf(noLab !== "")(
    `measures ours${noVblade ? "" : ", vblade"} and another, told by --peer${noLab}`,
    async () => {
      const file = join(folder, "peers.json");
      const run = await benchPeers(
        ...[...quick, "--iodepth", "1", "--parts", "cells,one-cpu", "-o", file],
        ...["--peer", `mine='${process.execPath}' '${AOE}' target {SHELF} {SLOT} {IF} {IMAGE}`],
        ...["--arms", "ours,vblade,mine"],
      );
      expect([run.code, run.code === 0 ? "" : run.stderr]).toEqual([0, ""]);
      const found = v.parse(PeersSchema, JSON.parse(readFileSync(file, "utf8")));
      const arms = noVblade ? ["ours", "mine"] : ["ours", "vblade", "mine"];
      expect(found.cells.map(({ rw }) => rw)).toEqual(["read", "write"]);
      expect(found.absent.length).toBe(noVblade ? 1 : 0);
      expect(found.arms[0]).toEqual({ arm: "ours", command: "aoe target 7 3 b0 IMAGE -b 256" });
      for (const cell of found.cells) {
        expect(cell.arms.map(({ arm }) => arm)).toEqual(arms);
        for (const arm of cell.arms) {
          expect(arm.iops.median).toBeGreaterThan(0);
          expect(arm.target_cpu_per_command_ns?.median ?? 1).toBeGreaterThan(0);
          // vblade's is under two megabytes, ours above twenty: it is the target that was watched.
          const mebibytes = (arm.target_resident_bytes ?? 0) / 2 ** 20;
          if (arm.target_resident_bytes !== null) {
            expect([arm.arm, mebibytes > 15]).toEqual([arm.arm, arm.arm !== "vblade"]);
          }
        }
      }
      expect(found.one_cpu.length).toBe(2);
      expect(run.stdout).toContain("IOPS, and ours over each other's with its interval\nbs ");
    },
    120_000,
  );

  const missing = lab.available ? lacksCompiler() : "";
  const noLimits = noLab !== "" ? noLab : missing === "" ? "" : ` (skipped: ${missing})`;
  test.skipIf(noLimits !== "")(
    `measures the limits and the load in C${noLimits}`,
    async () => {
      const run = await benchPeers(
        ...[...quick, "--iodepth", "16", "--parts", "cells,load,idle", "--json"],
        ...["--arms", "ours,echo-socket,echo-ring"],
      );
      expect([run.code, run.code === 0 ? "" : run.stderr]).toEqual([0, ""]);
      const found = v.parse(PeersSchema, JSON.parse(run.stdout));
      expect(found.cells.flatMap(({ ratios }) => ratios.map(({ arm }) => arm))).toEqual([
        ...["echo-socket", "echo-ring"],
        ...["echo-socket", "echo-ring"],
      ]);
      expect(found.loads.length).toBe(2);
      for (const { arms } of found.loads) {
        expect(arms.length).toBe(3);
        for (const { load_cpu_per_command_ns: cpu } of arms) expect(cpu.median).toBeGreaterThan(0);
      }
      expect(found.idle.map(({ arm }) => arm)).toEqual(["ours", FRUGAL]);
      expect(found.idle[0]?.start_ns.length).toBeGreaterThan(1);
    },
    120_000,
  );
});

function lacksCompiler(): string {
  const own = mkdtempSync(join(tmpdir(), "aoe-limits-"));
  try {
    return compileLimits(own) ?? "";
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

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
