// A seed is one run for ever: under the virtual clock the same job gives the same result file, byte for byte,
// but for what was measured on the machine: when, where, CPU time, memory and garbage collection.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunResult } from "../result/result.ts";
import { AOE } from "../../lab/programs.ts";

const JOB = join(import.meta.dir, "../../fixtures/jobs/report.toml");
const SHORT = [
  "runtime=20ms",
  "warm_up=20ms",
  "ramp_time=10ms",
  "pool=scan-swap",
  "pool_cap=48",
  "reclaim=coalesce:64/1ms",
  "rw=randrw",
];
/** Where, when, and what it cost this machine. `cpu` is a block with peak memory and collections in it. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  "provenance",
  "started_at",
  "elapsed_ns",
  "cpu",
  "cpu_ns",
  "others_cpu_ns",
  "steal_ns",
  "cpu_per_command_ns",
  "cpu_quiet_ns",
  "usr_cpu",
  "sys_cpu",
  "ctx",
  "majf",
  "minf",
]);

async function resultOf(path: string, ...sets: string[]): Promise<string> {
  const words = [...SHORT, ...sets].flatMap((set) => ["--set", set]);
  const child = Bun.spawn([process.execPath, AOE, "bench", "run", JOB, ...words, "-o", path], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = await new Response(child.stderr).text();
  expect(`${await child.exited} ${said.includes("rror")}`).toBe("0 false");
  return readFileSync(path, "utf8");
}

const exact = (text: string): string =>
  JSON.stringify(JSON.parse(text), (key, value: unknown) =>
    OF_THE_MACHINE.has(key) ? undefined : value,
  );

/** How many commands of the mix were reads, load by load. */
function reads(text: string): string {
  const { cells } = JSON.parse(text) as RunResult;
  const loads = cells.flatMap(({ trials }) => trials.flatMap((trial) => trial.loads));
  const jobs = loads.flatMap(({ fio }) => fio["jobs"] as { read: { total_ios: number } }[]);
  expect(jobs.length).toBe(2);
  return jobs.map(({ read }) => read.total_ios).join();
}

test("the same seed and job give the same result file; another seed gives another", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-same-seed-"));
  try {
    const file = (name: string): string => join(folder, name);
    const first = await resultOf(file("a.json"));
    const second = await resultOf(file("b.json"));
    const other = await resultOf(file("c.json"), "randseed=2");
    expect(exact(second) === exact(first)).toBe(true);
    // What is left out is a small part, and nothing that a pool did.
    expect(exact(first).length).toBeGreaterThan(0.7 * first.length);
    expect(exact(first)).toContain('"dry":');
    expect(reads(other) === reads(first)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 120_000);
