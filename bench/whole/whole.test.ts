// hyperfine found and refused, and whole commands timed in labs of their own at a size that measures nothing.

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { Failure } from "../../words/failure.ts";
import { probeLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";
import { compose } from "../report/compose.ts";
import { NO_MATERIAL } from "../report/read_material.ts";
import { AOE } from "../../lab/programs.ts";
import { findHyperfine, hyperfineWords } from "./hyperfine.ts";
import { WholeSchema } from "./whole_result.ts";
import { runChild } from "../machine/child.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-whole-test-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder with a program that is called hyperfine and says `words`. */
function impostor(name: string, words: string): string {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "hyperfine"), `#!/bin/sh\necho '${words}'\n`);
  chmodSync(join(own, "hyperfine"), 0o755);
  return own;
}

function refused(path: string): Failure {
  try {
    findHyperfine(path);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

const installed = findProgram("hyperfine");

describe("hyperfine", () => {
  test("is taken where it is new enough", () => {
    const path = impostor("new", "hyperfine 1.20.1");
    expect(findHyperfine(path)).toEqual({ path: join(path, "hyperfine"), version: "1.20.1" });
    expect(findHyperfine(impostor("later", "hyperfine 2.0.0")).version).toBe("2.0.0");
  });

  test("is refused where it is old or something else", () => {
    for (const words of ["hyperfine 1.12.0", "please run the postinstall script", ""]) {
      const failure = refused(impostor(`x${words.length}`, words));
      expect(failure.exitCode).toBe(5);
      expect(failure.message).toContain("to be hyperfine 1.13 or later");
      expect(failure.message).toContain("apt install hyperfine");
    }
  });

  // Where the system has one, it is found behind the stub.
  test.skipIf(installed !== null && /^\/(usr\/)?(local\/)?sbin/.test(installed))(
    "within node_modules is not taken for it",
    () => {
      const stub = impostor("node_modules/.bin", "hyperfine 9.9.9");
      const failure = refused(stub);
      expect(failure.exitCode).toBe(5);
      expect(failure.message).toStartWith("`hyperfine` is not installed");
      const real = impostor("real", "hyperfine 1.15.0");
      expect(findHyperfine(`${stub}:${real}`).path).toBe(join(real, "hyperfine"));
    },
  );

  test("gets one --prepare for each command, or none, and words that need no shell", () => {
    const found = { path: "/h", version: "1.15.0" };
    const plan = { runs: 3, warmup: 1, folder };
    const plain = hyperfineWords(found, [{ name: "a", command: ["x", "it's"] }], plan, "f");
    expect(plain.slice(-3)).toEqual(["--command-name", "a", `'x' 'it'\\''s'`]);
    expect(plain).not.toContain("--prepare");
    const commands = [
      { name: "a", command: ["x"], prepare: ["p"] },
      { name: "b", command: ["y"] },
    ];
    const words = hyperfineWords(found, commands, plan, "f");
    expect(words.filter((word) => word === "--prepare").length).toBe(2);
  });
});

async function whole(env: Record<string, string>, ...words: string[]) {
  return runChild([process.execPath, AOE, "bench", "whole", ...words], {
    env: { ...process.env, ...env },
  });
}

describe("aoe bench whole", () => {
  test("says what to install where hyperfine is old, and which names there are", async () => {
    const path = `${impostor("old", "hyperfine 1.2.3")}:${process.env["PATH"] ?? ""}`;
    const old = await whole({ PATH: path }, "cold-start");
    expect(old).toMatchObject({ code: 5, stdout: "" });
    expect(old.stderr.trim().split("\n").length).toBe(1);
    expect(old.stderr).toContain("apt install hyperfine");
    const name = await whole({}, "warm-start");
    expect(name).toMatchObject({ code: 2, stdout: "" });
    expect(name.stderr).toBe(
      "Expected `<what>` to be one of cold-start, ready, read, got `warm-start`\n",
    );
  });

  const lab = probeLab({ mtu: 9000 });
  const lacks = installed === null ? "hyperfine is not installed" : lab.available ? "" : lab.reason;
  test.skipIf(lacks !== "")(
    `times every command, and its result becomes a report${lacks === "" ? "" : ` (${lacks})`}`,
    async () => {
      const file = join(folder, "whole.json");
      const run = await whole({}, "--runs", "2", "--warmup", "0", "--size", "1m", "-o", file);
      expect([run.code, run.stderr.split("\n").filter((line) => line.startsWith("aoe"))]).toEqual([
        0,
        [],
      ]);
      const result = v.parse(WholeSchema, JSON.parse(readFileSync(file, "utf8")));
      const vblade = findProgram("vblade") !== null;
      expect(result.comparisons.map(({ name }) => name)).toEqual([
        "cold start",
        "ready",
        "read from aoe target",
        ...(vblade ? ["read from vblade"] : []),
      ]);
      expect(result.absent.length).toBe(vblade ? 0 : 1);
      for (const { timings, bytes, name } of result.comparisons) {
        expect(timings.length).toBeGreaterThanOrEqual(name === "ready" && !vblade ? 1 : 2);
        expect(bytes).toBe(name.startsWith("read ") ? 2 ** 20 : null);
        for (const timing of timings) {
          expect(timing.times_ns.length).toBe(2);
          expect(Math.min(...timing.times_ns)).toBeGreaterThan(0);
          const [a = 0, b = 0] = timing.times_ns;
          expect(Math.abs(timing.median_ns - (a + b) / 2)).toBeLessThan(10);
          expect(timing.command).not.toBe("");
        }
      }
      const names = ["whole"];
      const report = compose({ ...NO_MATERIAL, names, wholes: [result] });
      const section = report.sections.find(({ id }) => id === "whole");
      expect(section?.charts.length).toBe(result.comparisons.length);
      expect(section?.finding).toStartWith("Cold start ");
    },
    60_000,
  );
});
