// The arms of one result beside each other: the same statistics as those of two results.

import { expect, test } from "bun:test";
import { parseJob } from "../job/job.ts";
import type { Cell } from "../job/resolved.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import type { RunResult } from "../result/result.ts";
import { compare } from "./comparison.ts";
import { parseMetric } from "./metric.ts";
import { describeWithin, judgeWithin, parseKeys } from "./within.ts";

const BAND = { band: "5%" };

function run(text: string, rateOf: (cell: Cell) => number, own: Partial<RunResult> = {}) {
  const trials = own.link === "virtual" ? [0] : Array.from({ length: 9 }, (_, at) => at);
  return sampleRun(
    parseJob(text, "j.toml"),
    (cell) => trials.map((at) => ({ iops: rateOf(cell) + at })),
    own,
  );
}

const POOLS = `[pools]
pool = ["fixed", "completion"]
service = { fast = "", slow = "lanes:4,delay:1ms" }`;
const faster = (cell: Cell): number => (cell.values.pool === "fixed" ? 10_000 : 12_000);

test("each arm is judged as the head of two results would be", () => {
  const found = judgeWithin(run(POOLS, faster), ["pool"], null, BAND);
  expect(found).toMatchObject({ base: "fixed", verdict: "better", warnings: [] });
  const [arm] = found.arms;
  // Two results of one arm each, of which the second is faster.
  const one = POOLS.replace('["fixed", "completion"]', '"fixed"');
  const sides = [10_000, 12_000].map((iops) => run(one, () => iops));
  const [base, head] = sides;
  if (base === undefined || head === undefined) throw new Error("two sides");
  const two = compare(base, head, parseMetric("iops"), () => 0.05);
  expect(arm?.cells.map(({ p_holm, ratio }) => [p_holm, ratio])).toEqual(
    two.cells.map(({ p_holm, ratio }) => [p_holm, ratio]),
  );
  expect(arm?.geomean?.ratio).toBe(two.geomean?.ratio ?? Number.NaN);
  expect(arm?.summary).toStartWith("better: iops of completion at 120.0 % of fixed's");
});

test("several keys, and more than two arms: Holm asks all of their questions", () => {
  const job = `[pools]\npool = ["fixed", "completion"]\nkick = ["10ms", "20ms"]`;
  const found = judgeWithin(run(job, faster), ["pool", "kick"], null, BAND);
  expect(found.base).toBe("fixed · 10ms");
  expect(found.arms.map(({ arm, verdict }) => `${arm} ${verdict}`)).toEqual([
    "fixed · 20ms same",
    "completion · 10ms better",
    "completion · 20ms better",
  ]);
  const p = found.arms[1]?.cells[0];
  expect((p?.p_holm ?? 0) / (p?.p ?? 1)).toBeCloseTo(3);
});

test("a row of --rows is the mean over its cells, trial by trial", () => {
  const found = judgeWithin(
    run(
      `${POOLS}\nkick = ["10ms", "20ms"]`,
      (cell) => (cell.axes.kick === "10ms" ? 4 : 1) * faster(cell),
    ),
    ["pool"],
    ["service"],
    BAND,
  );
  const cells = found.arms[0]?.cells ?? [];
  expect(cells.map(({ axes }) => axes)).toEqual([{ service: "fast" }, { service: "slow" }]);
  expect(cells[0]?.base.median).toBeCloseTo(Math.sqrt(40_004 * 10_004));
});

test("what is alone in its row is left out; an arm that stands still is worse", () => {
  const job = `${POOLS}\n[caps]\npool = "scan-swap"\npool_cap = [0, 64]`;
  const caps = judgeWithin(
    run(job, (cell) => (cell.values.poolCap === 0 ? 10_000 : 0)),
    ["pool_cap"],
    null,
    BAND,
  );
  expect(caps).toMatchObject({ base: "0", verdict: "worse" });
  expect(() => judgeWithin(run(job, faster), ["bs"], null, BAND)).toThrow("it has one arm");
  expect(() => parseKeys("pool,colour", "--by")).toThrow("--by");
});

test("under the virtual clock equality decides", () => {
  const found = judgeWithin(run(POOLS, faster, { link: "virtual" }), ["pool"], null, {});
  expect(found).toMatchObject({ exact: true, verdict: "better", warnings: [] });
  const lines = describeWithin(found).split("\n");
  expect(lines[0]).toMatch(/^service +pool +iops +arm \/ base +verdict$/);
  expect(lines[1]).toMatch(/^fast +fixed +10,000 +base$/);
  expect(lines[2]).toMatch(/^ +completion +12,000 +120\.0 % +better$/);
});
