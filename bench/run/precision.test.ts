// A cell stops as soon as its figure is precise enough, and says so where it isn't in the end.

import { expect, test } from "bun:test";
import { AOE } from "../../lab/programs.ts";
import { ownFile } from "../../sys/root.ts";
import { PLAIN, sampleTrial } from "../../testing/doubles/sample_result.ts";
import { runChild } from "../machine/child.ts";
import { isPrecise, notPrecise, precisionOf } from "./precision.ts";

const withRates = (...rates: number[]) => rates.map((iops) => sampleTrial({ ...PLAIN, iops }));

test("the interval of the median decides, from 6 trials", () => {
  expect(precisionOf(withRates(100, 100, 100, 100, 100), 0)).toBeNull();
  expect(precisionOf(withRates(100, 100, 100, 100, 100, 100), 0)).toBe(0);
  const spread = withRates(90, 99, 100, 100, 101, 104);
  expect(precisionOf(spread, 0)).toBeCloseTo(0.1);
  expect(isPrecise(spread, 0, 0.1)).toBe(true);
  expect(isPrecise(spread, 0, 0.09)).toBe(false);
  expect(notPrecise("fixed", spread, 0, 0.05)).toEqual([
    "fixed: IOPS is only known to ±10 % after 6 trials, not to the ±5 % asked for.",
  ]);
  expect(notPrecise("fixed", spread, 0, null)).toEqual([]);
});

const JOB = ownFile("fixtures/jobs/smoke.toml");
const run = (...sets: string[]) =>
  runChild([
    ...[process.execPath, AOE, "bench", "run", JOB, "--json"],
    ...["link=virtual", "runtime=1ms", "warm_up=0s", "ramp_time=0s", "store=null", ...sets].flatMap(
      (one) => ["--set", one],
    ),
  ]);

test("a run stops when it is met: exact figures at the sixth trial", async () => {
  const { code, stdout } = await run("pool=fixed", "trials=3..20", "precision=2%");
  expect(code).toBe(0);
  const { cells, warnings } = JSON.parse(stdout);
  for (const { trials } of cells) {
    expect(trials.map(({ order }: { order: number }) => order).length).toBe(6);
  }
  expect(warnings.join()).not.toContain("asked for");
}, 60_000);

test("and says so where it is not met", async () => {
  const { stdout } = await run("pool=fixed", "trials=1..3", "precision=2%");
  const { cells, warnings } = JSON.parse(stdout);
  expect(cells[0].trials.length).toBe(3);
  expect(warnings.join()).toContain("not known to any precision after 3 trials, not to the ±2 %");
}, 60_000);

test.each([
  ["trials=3..20", "Expected `precision` with a range of `trials`"],
  ["trials=20..3", "Expected `trials` to be a number, or a range such as 3..20, got `20..3`"],
  ["precision=2", "Expected `precision` to be a probability between 0 and 1"],
])("%s is one sentence", async (set, sentence) => {
  const { code, stderr } = await run(set);
  expect(stderr).toContain(sentence);
  expect(code).toBe(2);
});
