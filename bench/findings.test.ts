// The sentences follow the figures: given other figures, they say otherwise.

import { expect, test } from "bun:test";
import { findings } from "./findings.ts";
import { type Cell, cellsOf, parseJob } from "./job/job.ts";
import type { CellResult, Figures } from "./result.ts";
import { sampleCell } from "./sample_result.ts";
import { schedule } from "./schedule.ts";
import { cellTable } from "./table.ts";

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

const isLate = (cell: Cell): boolean => cell.values.reclaim !== "eager";
const AS_PREDICTED = (cell: Cell): Partial<Figures> => {
  if (cell.axes.service === "slow") return { iops: 4000 };
  if (!isLate(cell)) return {};
  return cell.values.pool === "fixed"
    ? { iops: 160, kicks: 10, dry: 170, kick_stall_ns: 0.99e9, kick_commands_p50: 16 }
    : { iops: 39_000, pool_length_peak: 48 };
};

test("figures as the theory has them", () => {
  expect(findings(results(AS_PREDICTED))).toEqual([
    "Under eager release no pool took headroom: length 0 in all 4 cells.",
    "On the fast target under coalesce:64/1ms `fixed` (kick 100ms) falls to 160 commands/s, 0.4 % of the 40,000 under eager: 16 a kick (median; mean 16.0), 99 % of the time stalled; all 16 buffers pinned at each kick predicts 160/s.",
    "On the fast target under coalesce:64/1ms these keep their rate: `scan-swap` (kick 100ms) 39,000, 98 %, 48 extra buffers of 256.",
    "On the slow target under coalesce:64/1ms nobody loses: all 2 cells run at 100 % to 100 % of the 4,000 commands/s under eager (4,000 to 4,000).",
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
    "Under eager release 2 cells of 4 took headroom, up to 7 buffers (scan-swap).",
    expect.stringContaining("On the fast target under coalesce:64/1ms nobody loses"),
    expect.stringMatching(
      /^On the slow target .* `fixed` \(kick 100ms\) falls to 100 commands\/s, 0.3 %/,
    ),
    expect.stringMatching(/^On the slow target .* `scan-swap` .* it was dry 3 times/),
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
    "Under eager release no pool took headroom: length 0 in all 2 cells.",
    "On the plain target under late held `fixed` (kick 100ms) falls to 20,000 commands/s, 50 % of the 40,000 under eager: 2000.0 a kick, 50 % of the time stalled.",
    "On the plain target under late held these keep their rate: `scan-swap` (kick 100ms) 40,000, 100 %, 48 extra buffers of 256.",
  ]);
});

test("what makes figures doubtful is told", () => {
  const found = findings(
    results((cell) =>
      cell.values.pool === "fixed" && isLate(cell)
        ? null
        : { retransmits: 2, mismatches: 1, littles_law_holds: false },
    ),
  );
  expect(found).toContain("6 sectors read wrong, in 6 cells.");
  expect(found).toContain(
    "12 frames had to be sent again, in 6 cells; the sockets dropped 0 frames.",
  );
  expect(found).toContain("Little's law fails in 6 cells: its times are not to be trusted.");
  expect(found).toContain("2 cells of 8 gave no figures.");
});

test("the table has a row for each cell, first what varies", () => {
  const table = cellTable(results(AS_PREDICTED)).split("\n");
  expect(table.length).toBe(8 + 1);
  expect(table[0]).toMatch(/^target +reclaim +pool +IOPS +p50/);
  expect(table.find((line) => line.includes("fixed") && line.includes("160"))).toMatch(
    /^fast +coalesce:64\/1ms +fixed +160 +400 µs +900 µs +0 +0 +170 +10$/,
  );
  expect(cellTable(results(() => null))).toContain("failed");
  // On a narrow terminal it has fewer columns, and says which it has not.
  const narrow = cellTable(results(AS_PREDICTED), 60).split("\n");
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(narrow.at(-1)).toMatch(/^\(no room for .*kicks\)$/);
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
