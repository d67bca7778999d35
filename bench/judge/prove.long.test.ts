// The trial of the judge, at smoke size: a slow-down that nobody could miss is found, and the burn is as long
// as it says, over both links. Whether 10 % is found is measured on a quiet machine, never here.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { now } from "../../sys/clock.ts";
import { drag } from "../load/drag.ts";
import { probeLab } from "../../lab/lab.ts";
import type { RunResult } from "../result/result.ts";
import { AOE } from "../../lab/programs.ts";
import { runChild } from "../machine/child.ts";

const SMOKE = join(import.meta.dir, "../../fixtures/jobs/smoke.toml");

async function bench(...words: string[]) {
  const {
    code,
    stdout: out,
    stderr: err,
  } = await runChild([process.execPath, AOE, "bench", ...words]);
  return { code, out, err };
}

const prove = (...words: string[]) => bench("prove", ...words);

const SHORT = ["--set", "runtime=60ms", "--set", "warm_up=20ms", "--trials", "4", "--times", "1"];
/** As much as the command itself: the noise of a busy machine is less. */
const HUGE = ["--slow", "100%", "--band", "5%"];
/** Two sides of four are only told apart where no trial of one lies among the other's: busy machines disturb more. */
const MORE = ["--trials", "8"];

test("a slow-down is found under the virtual clock", async () => {
  const { code, out, err } = await prove("slow", ...SHORT, ...HUGE, ...MORE);
  expect(code).toBe(0);
  expect(err).toContain("below 9 a verdict is less sure");
  expect(out).toMatch(/1\/1 worse: cpu of the head at \d+\.\d % of the base's/);
  expect(out).toContain("1 comparison: worse 1; a slow-down of ");
}, 240_000);

test("equal things: one comparison can't have more than one false verdict", async () => {
  const { code, out } = await prove("equal", ...SHORT, "--band", "50%");
  expect(code).toBe(0);
  expect(out).toContain("equal things may be told apart at most 1 time: so it was.");
}, 240_000);

const lab = probeLab();
test.skipIf(!lab.available)(
  `a burn is in a command's cost over raw sockets too${lab.available ? "" : ` (skipped: ${lab.reason})`}`,
  async () => {
    const sets = ["link=packet", "pool=scan-swap", "floor=off", "drag=0us|100us"];
    const words = [SMOKE, "--json", ...sets.flatMap((set) => ["--set", set])];
    const { code, out } = await bench("run", ...words);
    expect(code).toBe(0);
    const { cells } = JSON.parse(out) as RunResult;
    const [plain = 0, slow = 0] = cells.map(({ median }) => median?.cpu_per_command_ns ?? 0);
    expect(plain).toBeGreaterThan(0);
    // Nothing else in a command takes as long.
    expect(slow).toBeGreaterThan(100_000);
    expect(slow - plain).toBeGreaterThan(50_000);
  },
  60_000,
);

test("a burn takes as long as it says, a hundred at a time", () => {
  const clock = createVirtualClock(1e9);
  const [near] = createMemoryPair({ clock, mtu: 1500, latency: 1000 });
  near.transmit = () => true;
  drag(near, 5000);
  const buffer = near.allocate(60);
  if (buffer === null) throw new Error("invariant: memory");
  let least = Infinity;
  for (let round = 0; round < 200; round++) {
    const from = now();
    for (let at = 0; at < 100; at++) near.transmit(buffer, 60);
    least = Math.min(least, (now() - from) / 100);
  }
  expect(least).toBeGreaterThan(4900);
  expect(least).toBeLessThan(5500);
});

test.each([
  [["fast"], "Expected `<what>` to be equal or slow, got `fast`"],
  [["equal", "--metric", "speed"], "Expected `--metric` to be one of iops, "],
  [["equal", "--trials", "3"], "Expected `--trials` to be "],
])("%j is one sentence and exit code 2", async (words, sentence) => {
  const { code, out, err } = await prove(...words);
  expect(err).toStartWith(sentence);
  expect([code, out, err.trim().split("\n").length]).toEqual([2, "", 1]);
});
