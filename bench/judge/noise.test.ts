// The band of this machine: learned from A/A runs, kept by machine, link, metric and row, and never narrower than 1 %.

import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJob } from "../job/job.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { obstacles } from "../result/comparable.ts";
import { metricFor, parseMetric } from "./metric.ts";
import { ASSUMED, knownBands, learnNoise } from "./noise.ts";

const JOB = parseJob('[pools]\npool = ["fixed", "scan-swap"]', "j.toml");
const IOPS = parseMetric("iops");
const before = process.env["AOE_BENCH_STATE"];
let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-noise-"));
});
beforeEach(() => {
  process.env["AOE_BENCH_STATE"] = mkdtempSync(join(folder, "state-"));
});
afterAll(() => {
  if (before === undefined) delete process.env["AOE_BENCH_STATE"];
  else process.env["AOE_BENCH_STATE"] = before;
  rmSync(folder, { recursive: true });
});

/** A run whose trials of every row have these rates. */
const run = (rates: readonly number[], own: Partial<RunResult> = {}): RunResult =>
  sampleRun(JOB, () => rates.map((iops) => ({ iops })), own);
/** Nine trials that differ by no more than a thousandth. */
const still = (level: number): number[] => Array.from({ length: 9 }, (_, at) => level + at / 9000);

function learn(rates: readonly number[], own: Partial<RunResult> = {}): number[] {
  return [...learnNoise(run(rates, own), run(rates, own), IOPS).values()];
}

test("a band is 1 % at least", () => {
  expect(learn(still(1000))).toEqual([0.01, 0.01]);
});

test("it is as wide as runs at different times lie apart, though each is still", () => {
  learn(still(1000));
  // The middle of both is √1.2 away from each of them, in shares.
  for (const band of learn(still(1200))) expect(band).toBeCloseTo(Math.sqrt(1.2) - 1, 3);
});

test("it is as wide as one run's halves differ, though runs agree: a share, not a logarithm", () => {
  const wild = [500, 500, 500, 500, 500, 2000, 2000, 2000, 2000];
  const [band = 0] = learn(wild);
  // Halves may have their middles at 500 and at 2000: three times as much more.
  expect(band).toBeCloseTo(3, 6);
  const [again = 0] = learn(wild);
  expect(again).toBeCloseTo(3, 6);
});

test("the last ten runs count", () => {
  learn(still(2000));
  for (let at = 0; at < 9; at++) learn(still(1000));
  expect(learn(still(1000))[0]).toBe(0.01);
  const kept = JSON.parse(
    readFileSync(join(process.env["AOE_BENCH_STATE"] ?? "", "noise.json"), "utf8"),
  ) as Record<string, Record<string, { sessions: unknown[] }>>;
  const rows = Object.values(Object.values(kept)[0] ?? {});
  expect(rows.map(({ sessions }) => sessions.length)).toEqual([10, 10]);
});

test("fewer than four values, or one of nothing, teach nothing", () => {
  expect(learn([1000])).toEqual([]);
  expect(learn([1000, 0, 1000, 1000])).toEqual([]);
});

test("a row has its own band; one that was never learned the widest, and where there is none 5 %", () => {
  const both = run(still(1000));
  const none = knownBands(both, IOPS, null);
  expect(both.cells.map(none.bandOf)).toEqual([ASSUMED, ASSUMED]);
  expect(none.warning).toContain("not known for 2 of 2 rows, so 5 % is assumed");

  const fixed = parseJob('[pools]\npool = "fixed"', "j.toml");
  const of = (job: typeof JOB, rates: readonly number[]) =>
    sampleRun(job, () => rates.map((iops) => ({ iops })));
  learnNoise(of(fixed, still(1000)), of(fixed, still(1000)), IOPS);
  const lifo = parseJob('[pools]\npool = "lifo-swap"', "j.toml");
  learnNoise(of(lifo, still(1000)), of(lifo, still(1000)), IOPS);
  learnNoise(of(lifo, still(1200)), of(lifo, still(1200)), IOPS);
  const some = knownBands(both, IOPS, null);
  const [own = 0, widest = 0] = both.cells.map(some.bandOf);
  expect(own).toBe(0.01);
  expect(widest).toBeCloseTo(Math.sqrt(1.2) - 1, 3);
  expect(some.warning).toContain("not known for 1 of 2 rows, so the widest known, 9.5 %, is taken");
  expect(knownBands(both, IOPS, 0.3)).toMatchObject({ warning: null });
  expect(knownBands(both, IOPS, 0.3).bandOf(both.cells[0] as never)).toBe(0.3);
});

test("a machine's, a link's and a metric's noise is no other's", () => {
  learn(still(1000));
  const known = (own: Partial<RunResult>, metric = IOPS): boolean =>
    knownBands(run(still(1000), own), metric, null).warning === null;
  const { provenance } = run(still(1000));
  expect(known({})).toBe(true);
  expect(known({ link: "memory" })).toBe(false);
  expect(known({ provenance: { ...provenance, machine: "ffffffff" } })).toBe(false);
  expect(known({}, parseMetric("lat.p50"))).toBe(false);
});

test("under the virtual clock only CPU time has noise", () => {
  const exact = run(still(1000), { link: "virtual" });
  const iops = knownBands(exact, IOPS, null);
  expect([iops.warning, iops.bandOf(exact.cells[0] as never)]).toEqual([null, 0]);
  const cpu = knownBands(exact, parseMetric("cpu"), null);
  expect([cpu.warning === null, cpu.bandOf(exact.cells[0] as never)]).toEqual([false, ASSUMED]);
});

test("latency is compared where every row has an open loop, the rate where any has not", () => {
  const of = (rates: string) =>
    sampleRun(parseJob(`[a]\nrate_iops = ${rates}`, "j.toml"), () => [{}]);
  expect(metricFor(of("[100, 200]").cells).name).toBe("lat.p99");
  expect(metricFor(of("[0, 200]").cells).name).toBe("iops");
  expect(metricFor([]).name).toBe("iops");
});

test("whatever of the machine differs keeps results apart, and is named", () => {
  const one = run(still(1000));
  const of = (more: Partial<RunResult["provenance"]>): RunResult => ({
    ...one,
    provenance: { ...one.provenance, ...more },
  });
  for (const [more, told] of [
    [{ machine: "ffffffff" }, "the machine 00000000 and ffffffff"],
    [{ cpu: "another" }, "the CPU a CPU and another"],
    [{ kernel: "7.0" }, "the kernel 6.18.0 and 7.0"],
    [{ bun: "2" }, "Bun 1.4.5+000000000 and 2"],
    [{ governor: "powersave" }, "the governor null and powersave"],
    [{ cpus_allowed: [0] }, "the CPUs allowed [0,1] and [0]"],
  ] as const) {
    expect(obstacles(one, of(more))).toEqual([told]);
  }
  expect(obstacles(one, { ...one, pinning: { target: 0, load: null } })).toEqual([
    "the load's CPU 1 and not pinned",
  ]);
  expect(obstacles(one, { ...one, pinning: { target: 1, load: 1 } })).toEqual([
    "the target's CPU 0 and 1",
  ]);
  expect(obstacles(one, { ...one, link: "ring" })).toEqual(["the link packet and ring"]);
  // Who ran it, and of which revision: that is what is compared.
  expect(obstacles(one, of({ git_revision: "fff", git_dirty: true, user: "root" }))).toEqual([]);
});
