// The first screen of a result: its matrix, and answers that follow the trials.

import { expect, test } from "bun:test";
import { cellsOf, parseJob } from "../job/job.ts";
import type { Cell } from "../job/resolved.ts";
import type { Figures } from "../load/figures.ts";
import { sampleCell, sampleRun } from "../../testing/doubles/sample_result.ts";
import { subjectOf } from "./arm_cells.ts";
import { type FirstScreen, firstScreen, trustText } from "./first_screen.ts";
import { answerLines, firstTable } from "./first_table.ts";
import type { RunResult } from "./result.ts";
import { type Style, styleOf } from "../../words/style.ts";

const POOLS = `[pools]
pool = ["fixed", "scan-swap"]
service = { fast = "", slow = "lanes:4,delay:1ms" }
reclaim = ["eager", "coalesce:64/1ms"]`;

function screenOf(
  text: string,
  figuresOf: (cell: Cell) => readonly (Partial<Figures> | null)[],
  own: Partial<RunResult> = {},
): FirstScreen {
  const run = sampleRun(parseJob(text, "j.toml"), figuresOf, own);
  return firstScreen(subjectOf([{ name: "a", run }]));
}

const PREDICTED = "predicted 48, what the link holds less what is preallocated";
const fixed = (cell: Cell): boolean => cell.values.pool === "fixed";
const late = (cell: Cell): boolean => cell.texts.reclaim !== "eager";
/** Late release on a fast target: `fixed` stalls, the other takes headroom. */
function asPredicted(cell: Cell): Partial<Figures>[] {
  const base = fixed(cell) ? { pool_cap: 0 } : {};
  const here = cell.axes.service === "slow" ? { iops: 4000 } : {};
  if (!late(cell) || cell.axes.service === "slow") return [{ ...base, ...here }];
  return [fixed(cell) ? { ...base, iops: 160 } : { iops: 39_000, pool_length_peak: 48 }];
}

const answers = (screen: FirstScreen): string[] => screen.answers.map(({ answer }) => answer);

test("where headroom is needed, and how much", () => {
  expect(answers(screenOf(POOLS, asPredicted))).toEqual([
    "Yes in 1 of 4 settings, fast target · coalesce:64/1ms: 160 IOPS without (fixed), " +
      "39,000 IOPS with (scan-swap); no in 3: no pool took an extra buffer.",
    `No more than 48 were taken; ${PREDICTED}; \`pool_cap\` as a list finds the least.`,
  ]);
});

test("figures that contradict it", () => {
  const same = (cell: Cell) => [fixed(cell) ? { pool_cap: 0 } : { pool_length_peak: 3 }];
  expect(answers(screenOf(POOLS, same))).toEqual([
    "No in 4 of 4 settings, most in fast target · eager: " +
      "40,000 IOPS without (fixed), 40,000 IOPS with (scan-swap).",
    "None: no arm needed any.",
  ]);
  const overlap = (cell: Cell) =>
    fixed(cell)
      ? [
          { pool_cap: 0, iops: 10_000 },
          { pool_cap: 0, iops: 41_000 },
        ]
      : [{ pool_length_peak: 3 }];
  expect(answers(screenOf(POOLS, overlap))[0]).toStartWith(
    "Not decided in 4 of 4 settings, most in fast target · eager: trials overlap, 25,500 IOPS",
  );
  const alone = screenOf(`[one]\npool = "scan-swap"`, () => [{ pool_length_peak: 7 }]);
  expect(answers(alone)[0]).toBe("Not decided: up to 7 taken, and no arm without to compare.");
  const none = screenOf(`[one]\npool = "fixed"`, () => [{ pool_cap: 0 }]);
  expect(answers(none)[0]).toBe("Not asked: no arm could take extra buffers.");
});

test("with a given rate it is the latency that tells", () => {
  const open = `${POOLS}\nrate_iops = 1000`;
  const screen = screenOf(open, (cell) => [
    fixed(cell) ? { pool_cap: 0, lat_p99_ns: 9e7 } : { pool_length_peak: 3, lat_p99_ns: 1e5 },
  ]);
  expect(answers(screen)[0]).toContain("p99 90 ms without (fixed), p99 100 µs with (scan-swap)");
});

test("disturbed trials decide nothing", () => {
  const run = sampleRun(parseJob(POOLS, "j.toml"), asPredicted);
  const cells = run.cells.map((cell) => ({
    ...cell,
    trials: cell.trials.map((trial) => ({ ...trial, disturbed: true })),
  }));
  const screen = firstScreen(subjectOf([{ name: "a", run: { ...run, cells } }]));
  expect(answers(screen)).toEqual([
    "Not decided in 4 of 4 settings: others used the CPUs in half of the trials or more.",
    `Not decided; ${PREDICTED}.`,
  ]);
  expect(screen.entries.map(trustText)).toEqual(Array(8).fill("no: disturbed, one trial"));
});

test("the knee of the caps that were tried", () => {
  const caps = `[caps]
pool = "scan-swap"
reclaim = "coalesce:64/1ms"
pool_cap = [0, 16, 48, 64]`;
  const screen = screenOf(caps, (cell) => {
    const cap = cell.values.poolCap;
    return [{ pool_cap: cap, pool_length_peak: Math.min(cap, 48), iops: cap < 48 ? cap : 9000 }];
  });
  expect(answers(screen)[1]).toBe(
    `Found 48 (scan-swap), the least cap that keeps the rate; ${PREDICTED}.`,
  );
});

test("why a cell is not trusted", () => {
  const trust = (trials: readonly (Partial<Figures> | null)[], own: Partial<RunResult> = {}) =>
    screenOf("[one]", () => trials, own).entries.map(trustText)[0];
  expect(trust([{}, {}])).toBe("yes");
  expect(trust([{}], { link: "virtual" })).toBe("exact");
  expect(trust([{}])).toBe("no: one trial");
  expect(trust([null])).toBe("no: failed");
  expect(trust([{}, {}, null])).toBe("no: failed 1 of 3");
  expect(trust([{}, { mismatches: 2, failures: 1 }])).toBe("no: wrong data, commands failed");
  expect(trust([{}, { littles_law_holds: false }])).toBe("no: Little's law fails 1 of 2");
});

test("the table has a row for each arm under its setting", () => {
  const screen = screenOf(POOLS, asPredicted);
  const table = firstTable(screen).split("\n");
  expect(table.length).toBe(1 + 4 + 8);
  expect(table[0]).toMatch(/^arm +IOPS +p99 +headroom +trusted +p50 +buffer wait +dry/);
  expect(table[4]).toBe("fast target · coalesce:64/1ms");
  expect(table[6]).toMatch(/^scan-swap +39,000 +900 µs +48 of 256 +no: one trial +400 µs/);
  expect(firstTable(screenOf(POOLS, () => [null]))).toContain("failed");
  // On a narrow terminal it has fewer columns, and says which it has not.
  const narrow = firstTable(screen, 60).split("\n");
  expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(narrow.at(-1)).toMatch(/^\(no room for .*kicks\)$/);
});

test("colour only on a terminal that wants it", () => {
  const screen = screenOf(POOLS, asPredicted);
  const shown = (env: Record<string, string>, isTTY = true): string =>
    [firstTable, (_: FirstScreen, __: number, style: Style) => answerLines(screen, style).join("")]
      .map((show) => show(screen, 80, styleOf({ isTTY }, env)))
      .join("");
  expect(shown({ TERM: "xterm" })).toContain("\u001b[31mno: one trial\u001b[39m");
  const plain = shown({}, false);
  expect(plain).not.toContain("\u001b");
  expect(shown({ NO_COLOR: "1" })).toBe(plain);
  expect(Bun.stripANSI(shown({}))).toBe(plain);
});

test("all trials of a cell make its interval", () => {
  const cell = cellsOf(parseJob("[one]", "j.toml").jobs[0] ?? expect.unreachable())[0];
  if (cell === undefined) throw new Error("no cell");
  const run = sampleRun(parseJob("[one]", "j.toml"), () => [{}]);
  const cells = [sampleCell(cell, [{ iops: 1000 }, { iops: 3000 }, { iops: 2000 }])];
  const screen = firstScreen(subjectOf([{ name: "a", run: { ...run, cells } }]));
  expect(firstTable(screen)).toMatch(/2,000 {2}1,000 – 3,000 /);
});
