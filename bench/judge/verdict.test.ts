// Verdicts at their edges: the band's two ends, the number of trials, the correction for many rows.

import { describe, expect, test } from "bun:test";
import { medianInterval } from "../../statistics/median_interval.ts";
import { holm } from "../../statistics/holm.ts";
import { fewTrials } from "./comparison.ts";
import { judgeRows, type Row } from "./rows.ts";
import { type Difference, difference, judge, trialsFor } from "./verdict.ts";

/** A difference with this interval, from so many trials a side. */
function found(low: number, high: number, base = 9, head = 9): Difference {
  const side = (n: number) => medianInterval(Array.from({ length: n }, () => 1));
  const ratio = (low + high) / 2;
  return { base: side(base), head: side(head), ratio, low, high, confidence: 0.95, p: 0.001 };
}

const BAND = 0.25;
/** Where a share of 25 % more has its like on the other side: 1 / 1.25. */
const BELOW = 0.8;
const higher = (of: Difference, p = 0.001) => judge(of, p, BAND, true);

describe("the band", () => {
  test("reaches from 1/(1+band) to 1+band, its ends included", () => {
    expect(higher(found(BELOW, 1.25))).toBe("same");
    expect(higher(found(BELOW, 1.2501))).toBe("inconclusive");
    expect(higher(found(0.7999, 1.25))).toBe("inconclusive");
    // 1 − band would take these for the same.
    expect(higher(found(0.76, 1))).toBe("inconclusive");
  });

  test("a verdict needs the whole interval beyond it", () => {
    expect(higher(found(1.2501, 2))).toBe("better");
    expect(higher(found(1.25, 2))).toBe("inconclusive");
    expect(higher(found(0.1, 0.7999))).toBe("worse");
    expect(higher(found(0.1, BELOW))).toBe("inconclusive");
    // 1 − band would want 0.75.
    expect(higher(found(0.5, 0.78))).toBe("worse");
  });

  test("turns round for what should be low", () => {
    const lower = (low: number, high: number) => judge(found(low, high), 0.001, BAND, false);
    expect([lower(1.3, 2), lower(0.1, 0.7), lower(0.9, 1.1)]).toEqual(["worse", "better", "same"]);
  });

  test("of nothing at all leaves only equality the same", () => {
    expect(judge(found(1, 1), 1, 0, true)).toBe("same");
    expect(judge(found(1, 1.0001), 1, 0, true)).toBe("inconclusive");
  });
});

test("a verdict needs a small p on either side; the same needs none", () => {
  for (const [low, high] of [
    [1.3, 2],
    [0.1, 0.7],
  ] as const) {
    expect(higher(found(low, high), 0.05)).toBe("inconclusive");
    expect(higher(found(low, high), 0.0499)).not.toBe("inconclusive");
  }
  expect(higher(found(0.9, 1.1), 1)).toBe("same");
});

test("below four trials on either side there is no verdict", () => {
  for (const [base, head, verdict] of [
    [3, 99, "inconclusive"],
    [99, 3, "inconclusive"],
    [4, 4, "better"],
  ] as const) {
    expect(higher(found(2, 3, base, head))).toBe(verdict);
  }
  expect(higher(found(1, 1, 3, 9))).toBe("inconclusive");
});

describe("many rows", () => {
  const IOPS = { name: "iops", higherIsBetter: true };
  /** Values around `level`, all different. */
  const around = (level: number, n: number): number[] =>
    Array.from({ length: n }, (_, at) => level * (1 + at / 1000));
  const rowsOf = (n: number, ...factors: readonly number[]): Row[] =>
    factors.map((factor, at) => ({
      job: `row ${at}`,
      axes: {},
      base: around(100, n),
      head: around(100 * factor, n),
      band: 0.05,
      disturbed: false,
    }));
  const verdicts = (rows: readonly Row[]) =>
    judgeRows(rows, IOPS).cells.map((cell) => cell.verdict);

  test("worse in one of them is worse, though others are better and the mean is the same", () => {
    const rows = rowsOf(9, 0.5, 2, 1);
    expect(verdicts(rows)).toEqual(["worse", "better", "same"]);
    const { geomean, summary, verdict } = judgeRows(rows, IOPS);
    expect([verdict, geomean?.verdict]).toEqual(["worse", "same"]);
    expect(summary).toEndWith("; worse in row 0.");
    expect(judgeRows(rowsOf(9, 2, 1), IOPS).verdict).toBe("better");
  });

  test("each and the whole are asked, so p is corrected for one more than there are", () => {
    const { cells, geomean } = judgeRows(rowsOf(5, 0.5, 1, 1), IOPS);
    const alone = difference(around(100, 5), around(50, 5)).p;
    const ps = [...cells.map(({ p }) => p), geomean?.p ?? 0];
    expect(cells[0]?.p_holm).toBe(4 * alone);
    expect([...cells.map((cell) => cell.p_holm), geomean?.p_holm]).toEqual(holm(ps));
    // The whole's is its own, and no row's.
    const even = judgeRows(rowsOf(5, 0.5, 2, 1), IOPS);
    expect(even.cells[0]?.p_holm).toBe(4 * alone);
    expect(even.geomean?.p_holm).toBe(1);
    // A single row is the whole: one question.
    const single = judgeRows(rowsOf(5, 0.5), IOPS);
    expect([single.cells[0]?.p_holm, single.geomean?.p_holm]).toEqual([alone, alone]);
  });

  test("the whole has as many trials as its shortest row, and the mean of their bands", () => {
    const [long, short] = [rowsOf(9, 1), rowsOf(5, 1)];
    const rows = [...long, ...short.map((row) => ({ ...row, band: 0.1025 }))];
    const { geomean } = judgeRows(rows, IOPS);
    expect([geomean?.base.n, geomean?.head.n]).toEqual([5, 5]);
    expect(geomean?.band).toBeCloseTo(Math.sqrt(1.05 * 1.1025) - 1, 12);
  });

  test("a row beyond its band that has no verdict, for too few trials, keeps the whole from being the same", () => {
    const { cells, geomean, verdict } = judgeRows(rowsOf(4, 0.7, 1, 1, 1, 1, 1, 1, 1), IOPS);
    expect(cells[0]).toMatchObject({ verdict: "inconclusive" });
    expect(cells[0]?.high).toBeLessThan(0.8);
    expect([geomean?.verdict, verdict]).toEqual(["same", "inconclusive"]);
    expect(judgeRows(rowsOf(9, 0.7, 1, 1, 1, 1, 1, 1, 1), IOPS).verdict).toBe("worse");
  });

  test("how many trials they need is told", () => {
    expect([1, 2, 3, 9, 100].map(trialsFor)).toEqual([4, 5, 5, 6, 8]);
    const told = (n: number, rows: number): string[] =>
      fewTrials(judgeRows(rowsOf(n, ...Array<number>(rows).fill(1)), IOPS).cells);
    expect(told(4, 8)).toEqual([
      "A row has 4 trials on a side: no row can have a verdict below 6, since 9 questions are asked, 8 rows and the whole (--set trials=9).",
    ]);
    expect(told(6, 8)).toEqual([
      "A row has 6 trials on a side: below 9 a verdict is less sure (--set trials=9).",
    ]);
    expect(told(8, 1)[0]).toContain("below 9 a verdict is less sure");
    expect(told(9, 8)).toEqual([]);
    expect(told(3, 8)[0]).toContain("below 4 there is no verdict");
  });
});
