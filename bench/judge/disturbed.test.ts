// Trials that others disturbed decide nothing in a comparison.

import { expect, test } from "bun:test";
import { createRandom } from "../../words/random.ts";
import { parseJob } from "../job/job.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { compare } from "./comparison.ts";
import { describeComparison } from "./describe.ts";
import { parseMetric } from "./metric.ts";

const JOB = parseJob('[pools]\npool = ["fixed", "scan-swap", "completion"]', "j.toml");
const IOPS = parseMetric("iops");
const random = createRandom(8);

/** Nine trials a row, their rates within ±5 % of `factor` times 40,000. */
function run(factor: number): RunResult {
  return sampleRun(JOB, () =>
    Array.from({ length: 9 }, () => ({ iops: 40_000 * factor * (0.95 + random.float() / 10) })),
  );
}

/** Others had the CPUs in `trials` of 9 of the row of `pool`. */
function disturb(result: RunResult, pool: string, trials: number): RunResult {
  const cells = result.cells.map((cell) =>
    cell.values.pool === pool || pool === "all"
      ? {
          ...cell,
          trials: cell.trials.map((trial, at) => ({ ...trial, disturbed: at < trials })),
        }
      : cell,
  );
  return { ...result, cells };
}
const [base, worse] = [run(1), run(0.5)];
const of = (head: RunResult, metric = IOPS) => compare(base, head, metric, () => 0.05);

test("a row of half of them or more, on either side, has no verdict and is in no mean", () => {
  const { cells, geomean, verdict, warnings } = of(disturb(worse, "fixed", 5));
  expect(cells.map((cell) => cell.verdict)).toEqual(["inconclusive", "worse", "worse"]);
  expect([geomean?.rows, verdict]).toEqual([2, "worse"]);
  expect(warnings[0]).toStartWith("1 row of 3 had half of the trials of a side");
  const other = compare(disturb(base, "fixed", 5), worse, IOPS, () => 0.05);
  expect(other.cells.map(({ disturbed }) => disturbed)).toEqual([true, false, false]);
  expect(of(disturb(worse, "fixed", 4)).cells[0]?.verdict).toBe("worse");
});

test("all disturbed decide nothing, and one row keeps the rest from being the same", () => {
  const all = of(disturb(worse, "all", 9));
  expect([all.verdict, all.geomean]).toEqual(["inconclusive", null]);
  expect(all.summary).toContain("in half of the trials of all 3 rows");
  expect(describeComparison(all)).toContain("disturbed");
  const same = run(1);
  expect([of(same).verdict, of(disturb(same, "fixed", 9)).verdict]).toEqual([
    "same",
    "inconclusive",
  ]);
});

test("the CPU time of quiet intervals is as good as any", () => {
  const costly = sampleRun(JOB, () =>
    Array.from({ length: 9 }, () => ({ cpu_quiet_ns: 9000 * (0.95 + random.float() / 10) })),
  );
  const cpu = compare(costly, disturb(costly, "all", 9), parseMetric("cpu"), () => 0.05);
  expect(cpu.verdict).toBe("same");
});
