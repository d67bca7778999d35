// A claim holds, or does not, only on figures that could have said the opposite.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJob } from "../job/job.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import type { Claim } from "./claim.ts";
import { judgeE1, judgeE2, judgeE3, judgeE6, judgeE7, judgeE8, type Both } from "./judge.ts";
import type { LaneFigures } from "./receive_lane.ts";
import type { Figures } from "../load/figures.ts";
import type { Cell } from "../job/resolved.ts";

const JOBS = join(import.meta.dir, "../../fixtures/jobs");
type Made = (cell: Cell) => Partial<Figures>;

function resultOf(name: string, made: Made, own: Partial<RunResult> = {}): RunResult {
  const job = parseJob(readFileSync(join(JOBS, `${name}.toml`), "utf8"), `${name}.toml`);
  return sampleRun(job, (cell) => [made(cell)], own);
}

const late = (cell: Cell): boolean => cell.texts.reclaim !== "eager";
const slow = (cell: Cell): boolean => cell.texts.service !== "";
const stalled = { iops: 160, kicks: 10, dry: 170 };

/** What the theory says of each job's cells. */
const AS_CLAIMED: Readonly<Record<string, Made>> = {
  e1: (cell) => {
    if (slow(cell)) return { iops: 4000 };
    return late(cell) && cell.values.pool === "fixed" ? stalled : { iops: 40_000 };
  },
  e2: ({ values }) => {
    const cap = values.poolCap;
    return cap < 48
      ? { iops: 100 * cap, kicks: 5, pool_length_peak: cap }
      : { iops: 40_000, pool_length_peak: 48 };
  },
  e3: () => ({ iops: 4000 }),
  e7: ({ values }) => {
    if (values.pool === "completion") return { iops: 40_000 };
    const touches = values.pool === "fixed" ? 0 : 5;
    return { iops: 2000, kicks: 9, pool_touches: touches };
  },
  e8: (cell) => ({ pool_length_peak: late(cell) ? 2 : 0 }),
};

const JUDGES: Readonly<Record<string, (both: Both) => Claim>> = {
  e1: judgeE1,
  e2: judgeE2,
  e3: judgeE3,
  e7: judgeE7,
  e8: judgeE8,
};

/** The claim as judged from exact figures that are as claimed, and from these of raw sockets. */
function judge(name: string, made: Made, change: (real: RunResult) => RunResult = (real) => real) {
  const [claimed, decide] = [AS_CLAIMED[name], JUDGES[name]];
  if (claimed === undefined || decide === undefined) throw new Error(`no claim ${name}`);
  const exact = resultOf(name, claimed, { link: "virtual" });
  return decide({ exact, real: change(resultOf(name, made)) });
}

const disturbed = (real: RunResult): RunResult => ({
  ...real,
  cells: real.cells.map((cell) => ({
    ...cell,
    trials: cell.trials.map((trial) => ({ ...trial, disturbed: true })),
  })),
});

describe.each(Object.keys(JUDGES))("%s", (name) => {
  const claimed = AS_CLAIMED[name] as Made;

  test("holds where the figures say so", () => {
    const { sentence, verdict } = judge(name, claimed);
    expect([verdict, sentence.includes("Not decided")]).toEqual(["holds", false]);
  });

  test("is not decided by disturbed trials, whichever way they point", () => {
    const holds = judge(name, claimed, disturbed);
    expect(holds.verdict).toBe("inconclusive");
    expect(holds.sentence).toMatch(
      / Not decided: other processes used the CPUs in (\d+) of \1 trials; an idle machine can decide\.$/,
    );
    const against: Made = () => ({ iops: 30_000, kicks: 3, pool_length_peak: 9, dry: 1 });
    expect(judge(name, against).verdict).toBe("does not hold");
    expect(judge(name, against, disturbed).verdict).toBe("inconclusive");
  });

  test("is not decided where nothing ended", () => {
    const { sentence, verdict } = judge(name, () => ({ iops: 0 }));
    expect(verdict).toBe("inconclusive");
    expect(sentence).toContain("have no figures");
  });
});

test("late release that runs at 216 % of eager decides nothing", () => {
  const fast: Made = (cell) => ({
    ...AS_CLAIMED["e1"]?.(cell),
    ...(late(cell) && cell.values.pool === "scan-swap" && !slow(cell) ? { iops: 86_400 } : {}),
  });
  const { sentence, verdict } = judge("e1", fast);
  expect(verdict).toBe("inconclusive");
  expect(sentence).toContain("86,400 IOPS exceed the limit of 40,000");
  expect(judge("e3", (cell) => ({ iops: late(cell) ? 8640 : 4000 })).verdict).toBe("inconclusive");
});

test("a zigzag has no knee", () => {
  const zigzag: Made = (cell) =>
    cell.values.poolCap === 56 ? { iops: 10_000, kicks: 4 } : (AS_CLAIMED["e2"]?.(cell) ?? {});
  const { sentence, verdict } = judge("e2", zigzag);
  expect(verdict).toBe("inconclusive");
  expect(sentence).toContain("Not decided: a cap of 56 is not enough where 48 is");
});

test("a machine without a fast target can't show the effect", () => {
  const { sentence, verdict } = judge("e1", () => ({ iops: 9000 }));
  expect(verdict).toBe("inconclusive");
  expect(sentence).toContain("9,000 IOPS are no fast target");
});

describe("E6", () => {
  const lane = (own: Partial<LaneFigures>): LaneFigures => ({
    write_mean_ns: 1e6,
    write_p99_ns: 2e6,
    writes: 100,
    reads: 900,
    drops: 500,
    lane_drops: null,
    retransmits: 0,
    writes_held_back: 0,
    ...own,
  });
  const one = lane({});

  test("holds where the lane lost nothing of a flood, and not where it did", () => {
    expect(judgeE6({ one, two: lane({ lane_drops: 0 }), disturbed: 0 }).verdict).toBe("holds");
    expect(judgeE6({ one, two: lane({ lane_drops: 3 }), disturbed: 0 }).verdict).toBe(
      "does not hold",
    );
  });

  test("is not decided without a write, a flood or figures, or beside others", () => {
    const none = { writes: 0, write_mean_ns: null, write_p99_ns: null };
    const idle = judgeE6({ one: lane(none), two: lane({ ...none, lane_drops: 0 }), disturbed: 0 });
    expect(idle.verdict).toBe("inconclusive");
    expect(idle.sentence).toContain("Not decided: 0 and 0 writes ended");
    expect(idle.sentence).toContain("write latency – (p99) and – (p99)");
    const dry = judgeE6({ one, two: lane({ drops: 0, lane_drops: 0 }), disturbed: 0 });
    expect([dry.verdict, dry.sentence.includes("0 frames were lost")]).toEqual([
      "inconclusive",
      true,
    ]);
    expect(judgeE6({ one: lane({ drops: 0 }), two: one, disturbed: 0 }).verdict).toBe(
      "inconclusive",
    );
    const busy = judgeE6({ one, two: lane({ lane_drops: 0 }), disturbed: 2 });
    expect(busy.verdict).toBe("inconclusive");
    expect(busy.sentence).toContain("Not decided: other processes used the CPUs in 2 of 2 trials");
    expect(judgeE6("no lab here").verdict).toBe("inconclusive");
  });
});
