// Exact results: equality decides, on any machine, from one trial a side; what changed is named.

import { describe, expect, test } from "bun:test";

import { parseJob } from "../job/job.ts";
import type { Figures } from "../load/figures.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { describeComparison } from "./describe.ts";
import { exitCodeOf, judgeResults } from "./judge_results.ts";

const JOB = parseJob('[pools]\npool = ["fixed", "completion"]', "j.toml");

/** One trial a row; `own` for the row of `completion`. */
function exact(own: Partial<Figures> = {}, machine = "00000000", trials = 1): RunResult {
  const run = sampleRun(
    JOB,
    ({ values }) => Array(trials).fill(values.pool === "completion" ? own : {}),
    { link: "virtual" },
  );
  return { ...run, provenance: { ...run.provenance, machine, cpu: machine, kernel: machine } };
}

const [rate, retransmits] = [exact().cells[0]?.median?.iops ?? 0, 7];

describe("exact results", () => {
  test("equal ones are equal, elsewhere and after more trials too", () => {
    for (const head of [exact(), exact({}, "ffffffff"), exact({}, "ffffffff", 3)]) {
      const found = judgeResults(exact(), head, {});
      expect([found.verdict, exitCodeOf(found), found.warnings]).toEqual(["same", 0, []]);
      expect(found.summary).toBe("equal: every exact figure of all 2 rows is the same.");
    }
  });

  test("CPU time is of the machine, and no change", () => {
    const found = judgeResults(exact(), exact({ cpu_per_command_ns: 1, cpu_quiet_ns: 2 }), {});
    expect([found.verdict, found.changes]).toEqual(["same", []]);
  });

  test.each([
    [{ iops: rate - 1 }, "worse", 3, "iops worse in completion"],
    [{ iops: rate + 1 }, "better", 0, "iops better in completion"],
    [{ retransmits }, "inconclusive", 4, "changed: 1 exact figures of 2 rows; iops is the same."],
  ] as const)("%j: %s", (own, verdict, code, sentence) => {
    const found = judgeResults(exact(), exact(own, "ffffffff"), {});
    expect([found.verdict, exitCodeOf(found)]).toEqual([verdict, code]);
    expect(found.summary).toContain(sentence);
    const [change] = found.changes ?? [];
    const [figure = "", after] = Object.entries(own)[0] ?? [];
    expect(change).toMatchObject({ axes: { pool: "completion" }, figure, head: after });
    const text = describeComparison(found);
    expect(text).toContain(`completion: ${figure} ${String(change?.base)} → ${after}`);
  });

  test("latency: less is better", () => {
    const words = { metric: "lat.p99" };
    const found = judgeResults(exact({ lat_p99_ns: 50 }), exact({ lat_p99_ns: 40 }), words);
    expect(found.verdict).toBe("better");
  });

  test("latency of no command: the worst beside another, and nothing to call the same", () => {
    const judged = (before: number | null, after: number | null) =>
      judgeResults(exact({ lat_p99_ns: before }), exact({ lat_p99_ns: after }), {
        metric: "lat.p99",
      });
    expect(judged(50, null).verdict).toBe("worse");
    expect(judged(null, 50).verdict).toBe("better");
    const { verdict, summary } = judged(null, null);
    expect(verdict).toBe("inconclusive");
    expect(summary).toContain("1 of them without a lat.p99 to compare");
  });

  test("a rate of 0 beside another is the worst, beside 0 the same", () => {
    expect(judgeResults(exact(), exact({ iops: 0 }), {}).verdict).toBe("worse");
    expect(judgeResults(exact({ iops: 0 }), exact({ iops: 0 }), {}).verdict).toBe("same");
  });

  test("the metric of CPU time keeps its statistics, and its machine", () => {
    expect(() => judgeResults(exact(), exact({}, "ffffffff"), { metric: "cpu" })).toThrow(
      "they differ in the machine",
    );
    const found = judgeResults(exact(), exact(), { metric: "cpu" });
    expect([found.changes, found.verdict]).toEqual([null, "inconclusive"]);
  });
});
