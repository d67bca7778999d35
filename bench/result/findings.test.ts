// The sentences follow the figures: given other figures, they say otherwise.

import { describe, expect, test } from "bun:test";
import { findings } from "./findings.ts";
import { cellsOf, parseJob } from "../job/job.ts";
import type { CellResult, Trial } from "./result.ts";
import { sampleCell } from "../../testing/doubles/sample_result.ts";
import { schedule } from "../run/schedule.ts";
import type { Figures } from "../load/figures.ts";
import type { Cell } from "../job/resolved.ts";

const JOB = parseJob(
  `[pools]
pool = ["fixed", "scan-swap"]
service = { fast = "", slow = "lanes:4,delay:1ms" }
reclaim = ["eager", "coalesce:64/1ms"]`,
  "j.toml",
);

function results(figuresOf: (cell: Cell) => Partial<Figures> | null): CellResult[] {
  return JOB.jobs.flatMap(cellsOf).map((cell) => sampleCell(cell, [figuresOf(cell)]));
}

const isLate = (cell: Cell): boolean => cell.texts.reclaim !== "eager";
const AS_PREDICTED = (cell: Cell): Partial<Figures> => {
  if (cell.axes.service === "slow") return { iops: 4000 };
  if (!isLate(cell)) return {};
  return cell.values.pool === "fixed"
    ? { iops: 160, kicks: 10, dry: 170, kick_stall_ns: 0.99e9, kick_commands_p50: 16 }
    : { iops: 39_000, pool_length_peak: 48 };
};

test("figures as the theory has them", () => {
  expect(findings(results(AS_PREDICTED))).toEqual([
    "Under eager release no pool took an extra buffer, in 2 cells whose pool could.",
    "In pools, on the fast target under coalesce:64/1ms `fixed` (kick 100ms) runs at 160 IOPS, 0.4 % of the 40,000 under eager: 99 % of the time stalled, 10 kicks, 16 commands from one to the next (median); 16 buffers each 100ms make 160 IOPS.",
    "In pools, on the fast target under coalesce:64/1ms these keep their rate within 25 %: `scan-swap` (kick 100ms) 39,000 IOPS, 98 %, 48 extra buffers of 256.",
    "In pools, on the slow target under coalesce:64/1ms these keep their rate within 25 %: `fixed` (kick 100ms) 4,000 IOPS, 100 %, no extra buffer; `scan-swap` (kick 100ms) 4,000 IOPS, 100 %, no extra buffer.",
  ]);
});

test("figures that contradict it", () => {
  const found = findings(
    results((cell) => {
      if (!isLate(cell)) return { pool_length_peak: cell.values.pool === "fixed" ? 0 : 7 };
      return cell.axes.service === "slow" ? { iops: 100, dry: 3 } : {};
    }),
  );
  expect(found).toEqual([
    "Under eager release 2 cells of 2 whose pool could took extra buffers, up to 7 (scan-swap).",
    expect.stringContaining("on the fast target under coalesce:64/1ms these keep their rate"),
    expect.stringMatching(
      /on the slow target .* `fixed` \(kick 100ms\) runs at 100 IOPS, 0.3 % .*: it was dry 3 times and waited for no kick\.$/,
    ),
    expect.stringMatching(/on the slow target .* `scan-swap` .* it was dry 3 times/),
  ]);
});

test("a hold of the late lab is a late release, and a late lab that holds nothing none", () => {
  const job = parseJob(
    `[pools]
link = "ring"
pool = ["fixed", "scan-swap"]
late = { never = "release:0s", held = "hold:100ms,release:400ms" }`,
    "j.toml",
  );
  const cells = job.jobs.flatMap(cellsOf).map((cell) => {
    const fixed = { iops: 20_000, kicks: 10, dry: 20, kick_stall_ns: 0.5e9, pool_length_peak: 0 };
    const held = cell.values.pool === "fixed" ? fixed : { pool_length_peak: 48 };
    return sampleCell(cell, [cell.axes.late === "held" ? held : {}]);
  });
  expect(findings(cells)).toEqual([
    "Under eager release no pool took an extra buffer, in 1 cell whose pool could.",
    "In pools, on the plain target under late held `fixed` (kick 100ms) runs at 20,000 IOPS, 50 % of the 40,000 under eager: 50 % of the time stalled, 10 kicks.",
    "In pools, on the plain target under late held these keep their rate within 25 %: `scan-swap` (kick 100ms) 40,000 IOPS, 100 %, 48 extra buffers of 256.",
  ]);
});

describe("a finding that its own figures refute is not made", () => {
  /** Trials of each cell; of a single late one beside two under eager. */
  const JUST = parseJob(
    '[pools]\npool = ["fixed", "scan-swap"]\nreclaim = ["eager", "coalesce:64/1ms"]',
    "j.toml",
  );
  const cells = (
    figuresOf: (cell: Cell) => Partial<Figures>[],
    own: (trial: Trial) => Partial<Trial> = () => ({}),
  ): CellResult[] =>
    JUST.jobs.flatMap(cellsOf).map((cell) => {
      const made = sampleCell(cell, figuresOf(cell));
      return { ...made, trials: made.trials.map((trial) => ({ ...trial, ...own(trial) })) };
    });

  test("buffers came back between kicks: not where 16 commands in 20 ms were all there was", () => {
    const short = {
      ...{ iops: 800, runtime_ns: 20e6, kicks: 1, dry: 1, kick_stall_ns: 19e6 },
      kick_commands_p50: null,
    };
    const found = findings(cells((cell) => [isLate(cell) ? short : {}])).join("\n");
    expect(found).toContain("95 % of the time stalled, 1 kick.");
    expect(found).not.toMatch(/came back|answers|woke|make \d/);
  });

  test("buffers came back between kicks: said where more commands ended than there are buffers", () => {
    const late = { iops: 400, kicks: 10, dry: 20, kick_stall_ns: 0.5e9 };
    const of = (each: number): string =>
      findings(cells((cell) => [isLate(cell) ? { ...late, kick_commands_p50: each } : {}])).join();
    expect(of(17)).toContain(
      "17 commands from one to the next (median): more than its 16 buffers, so some came back in between",
    );
    expect(of(16)).toContain("16 buffers each 100ms make 160 IOPS");
    expect(of(16)).not.toContain("came back");
    // Headroom counts as buffers.
    const wide = { ...late, kick_commands_p50: 17, pool_length_peak: 8 };
    expect(findings(cells((cell) => [isLate(cell) ? wide : {}])).join()).toContain(
      "24 buffers each 100ms make 240 IOPS",
    );
  });

  test("a rate is kept: not where trials run at 76 % to 128 %", () => {
    const found = findings(
      cells((cell) =>
        isLate(cell)
          ? [{ iops: cell.values.pool === "fixed" ? 30_400 : 51_200 }]
          : [{ iops: 38_000 }, { iops: 42_000 }],
      ),
    );
    expect(found.join("\n")).not.toMatch(/nobody|keep their rate|runs at/);
    expect(found.slice(1)).toEqual([
      "In pools, on the plain target under coalesce:64/1ms `fixed` (kick 100ms) is not decided: 30,400 IOPS, 38,000 to 42,000 under eager.",
      "In pools, on the plain target under coalesce:64/1ms `scan-swap` (kick 100ms) is not decided: 51,200 IOPS, 38,000 to 42,000 under eager.",
    ]);
  });

  test("a pool is slower: not where one of its trials is as fast as one under eager", () => {
    const of = (...late: number[]): string =>
      findings(
        cells((cell) =>
          isLate(cell)
            ? late.map((iops) => ({ iops }))
            : [{ iops: 30_000 }, { iops: 40_000 }, { iops: 41_000 }],
        ),
      ).join("\n");
    expect(of(10_000, 12_000, 22_000)).toContain("runs at 12,000 IOPS, 30 % of the 40,000");
    expect(of(10_000, 12_000, 23_000)).not.toContain("runs at");
    expect(of(10_000, 12_000, 23_000)).toContain(
      "`fixed` (kick 100ms) is not decided: 10,000 to 23,000 IOPS, 30,000 to 41,000 under eager.",
    );
  });

  test("nothing is said of cells whose trials others disturbed", () => {
    const figures = (cell: Cell): Partial<Figures>[] => [isLate(cell) ? { iops: 160 } : {}];
    expect(findings(cells(figures, () => ({ disturbed: true })))).toEqual([
      "4 cells of 4 had half of the trials disturbed or more: no finding is made from them.",
    ]);
    // One of three is outvoted by the median.
    const three = (cell: Cell): Partial<Figures>[] => [0, 1, 2].map(() => figures(cell)[0] ?? {});
    const found = findings(cells(three, ({ order }) => ({ disturbed: order === 0 })));
    expect(found.join()).toContain("runs at 160 IOPS");
    // Two of four are not.
    const four = (cell: Cell): Partial<Figures>[] => [...three(cell), ...three(cell)].slice(0, 4);
    expect(findings(cells(four, ({ order }) => ({ disturbed: order < 2 }))).join()).toContain(
      "4 cells of 4 had half of the trials disturbed or more",
    );
  });

  test("no pool took an extra buffer: said only of those that could have", () => {
    const only = (job: string): string =>
      findings(
        parseJob(`[a]\n${job}`, "j.toml")
          .jobs.flatMap(cellsOf)
          .map((cell) => sampleCell(cell, [{ pool_cap: cell.values.poolCap }])),
      ).join();
    expect(only('pool = "fixed"')).toBe("");
    expect(only('pool = "per-send"')).toBe("");
    expect(only('pool = "scan-swap"\npool_cap = 0')).toBe("");
    expect(only('pool = "scan-swap"')).toContain("no pool took an extra buffer, in 1 cell");
  });

  test("a base in which nothing ended is none", () => {
    const found = findings(cells((cell) => [{ iops: isLate(cell) ? 100 : 0 }]));
    expect(found.join()).not.toMatch(/keep|runs at|took/);
  });
});

test("what makes figures doubtful is counted over every trial", () => {
  const found = findings(
    results((cell) =>
      cell.values.pool === "fixed" && isLate(cell)
        ? null
        : { retransmits: 2, mismatches: 1, littles_law_holds: false },
    ),
  );
  expect(found).toContain("6 sectors read wrong, in 6 cells.");
  expect(found).toContain(
    "12 frames were sent again, in 6 cells; both ends counted 0 frames lost because a receive buffer was full.",
  );
  expect(found).toContain(
    "Little's law fails in 6 of 6 trials: their times are not to be trusted.",
  );
  expect(found).toContain("2 cells of 8 gave no figures.");
  // A median of three trials would hide the one.
  const cell = JOB.jobs.flatMap(cellsOf)[0] as Cell;
  const one = findings([sampleCell(cell, [{}, { retransmits: 1 }, {}])]);
  expect(one.join()).toContain("1 frame was sent again, in 1 cell");
});

test("each round runs every cell once, in a seeded order of its own", () => {
  const cells = JOB.jobs.flatMap(cellsOf);
  const order = (seed: number): Cell[] =>
    schedule(cells, 3, 1, "random", seed).map(({ cell }) => cell);
  const rounds = [0, 1, 2].map((round) => order(7).slice(round * 8, round * 8 + 8));
  for (const round of rounds) expect(new Set(round)).toEqual(new Set(cells));
  expect(rounds[0]).not.toEqual(rounds[1]);
  expect(order(7)).toEqual(order(7));
  expect(order(7)).not.toEqual(order(8));
});

test("arms take turns in going first, so that no drift falls on one of them", () => {
  const turns = schedule(["x", "y"], 2, 2, "abba", 1).map(({ cell, arm }) => `${cell}${arm}`);
  expect(turns).toEqual(["x0", "x1", "y0", "y1", "y1", "y0", "x1", "x0"]);
  const random = schedule(["x"], 4, 2, "random", 1).map(({ arm }) => arm);
  expect(random).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
});
