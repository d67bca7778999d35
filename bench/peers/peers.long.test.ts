// Peers in labs: runs of a few trials, at a size that measures nothing.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { AOE } from "../../lab/programs.ts";
import { FRUGAL } from "./bars.ts";
import { findCompiler } from "./limits.ts";
import { PeersSchema } from "./result.ts";
import { runChild } from "../machine/child.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-peers-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
  const reason = lab.available ? (findCompiler() === null ? "no C compiler" : "") : lab.reason;
  const noLab = reason === "" ? "" : ` (skipped: ${reason})`;
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
    300_000,
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
    300_000,
  );

  test.skipIf(noLab !== "")(
    `measures the limits, and our load beside the one in C${noLab}`,
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
        expect(arms.length).toBe(4);
        for (const { load_cpu_per_command_ns: cpu } of arms) expect(cpu.median).toBeGreaterThan(0);
      }
      for (const { part, arm, figures } of found.trials) {
        const inC = part === "cells" || arm.startsWith("load in C");
        if (inC) expect(figures?.load_way).toBe("sendmmsg");
        else expect(figures?.load_way).toMatch(/^(AF_XDP|send) \d+ %/);
        if (arm === "ours") expect(figures?.target_way).toMatch(/^(AF_XDP|send) \d+ %/);
        else expect(figures?.target_way).toBeNull();
        if (inC) expect(figures?.load_busy_share).toBeWithin(0, 1.001);
      }
      expect(found.idle.map(({ arm }) => arm)).toEqual(["ours", FRUGAL]);
      expect(found.idle[0]?.start_ns.length).toBeGreaterThan(1);
    },
    300_000,
  );
});
