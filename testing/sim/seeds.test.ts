// The command line of `aoe bench sim`.

import { expect, test } from "bun:test";
import { join } from "node:path";

import { seedsOf } from "./sim_action.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");

test("--seed, --seeds N and --seeds FROM..TO", () => {
  expect(seedsOf({})).toEqual({ from: 0, to: 1000 });
  expect(seedsOf({ seed: "7" })).toEqual({ from: 7, to: 8 });
  expect(seedsOf({ seeds: "50" })).toEqual({ from: 0, to: 50 });
  expect(seedsOf({ seeds: "5..9" })).toEqual({ from: 5, to: 9 });
  expect(() => seedsOf({ seeds: "9..9" })).toThrow("`--seeds, TO`");
  expect(() => seedsOf({ seeds: "0" })).toThrow("`--seeds`");
  expect(() => seedsOf({ seeds: "1..2..3" })).toThrow("N or FROM..TO");
  expect(() => seedsOf({ seed: "1", seeds: "2" })).toThrow("got both");
});

async function sim(...words: string[]) {
  const run = Bun.spawn([process.execPath, AOE, "bench", "sim", ...words], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([run.stdout.text(), run.stderr.text()]);
  return { code: await run.exited, stdout, stderr };
}

test("a usage error ends with 2, a scenario in a file runs, --show prints what --scenario takes", async () => {
  const bad = await sim("--seeds", "none");
  expect([bad.code, bad.stdout]).toEqual([2, ""]);
  expect(bad.stderr).toContain("--seeds");
  const missing = await sim("--scenario", "/nowhere/at/all.json");
  expect(missing.code).toBe(5);

  const shown = await sim("--seed", "4", "--show");
  expect(shown.code).toBe(0);
  const path = join(process.env["TMPDIR"] ?? "/tmp", `scenario-${process.pid}.json`);
  try {
    await Bun.write(path, shown.stdout);
    const [fromFile, fromSeed] = await Promise.all([
      sim("--scenario", path, "--json"),
      sim("--seed", "4", "--json"),
    ]);
    expect(fromFile.code).toBe(0);
    expect(fromFile.stdout).toBe(fromSeed.stdout);
    expect(JSON.parse(fromFile.stdout)).toMatchObject({ seed: 4, failure: null });
  } finally {
    await Bun.file(path).delete();
  }
}, 60_000);
