// What a report reads of results and makes of their cells: colours, dashes, intervals, and what a load's document has.

import { describe, expect, test } from "bun:test";

import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { parseJob } from "../job/job.ts";
import { sampleRun, sampleTrial, PLAIN } from "../../testing/doubles/sample_result.ts";
import type { RunResult, Trial } from "../result/result.ts";
import { compose } from "./compose.ts";
import { seriesOf, splitOf } from "./load_block.ts";
import { materialOf } from "../../testing/doubles/small_result.ts";
import { subjectOf } from "../result/arm_cells.ts";
import { latency } from "./sections/latency.ts";
import { drawable, evenDashes, intervalNote } from "./subject.ts";

function run(job: string, trials = 1): RunResult {
  return sampleRun(parseJob(job, "j.toml"), () => Array.from({ length: trials }, () => ({})));
}

function subject(job: string, trials = 1) {
  return subjectOf([{ name: "a", run: run(job, trials) }]);
}

test("a pool has its own colour, whichever come before it", () => {
  const pools = ["completion", "scan-swap", "fixed"];
  const { cells } = subject(`[pools]\npool = ${JSON.stringify(pools)}`);
  expect(cells.map(({ colour }) => colour)).toEqual(
    pools.map((name) => (STRATEGIES as readonly string[]).indexOf(name)),
  );
  // What is no pool is coloured in the order of the file.
  const kicks = subject('[kicks]\nkick = ["10ms", "1ms", "5ms"]').cells;
  expect(kicks.map(({ colour }) => colour)).toEqual([0, 1, 2]);
});

test("the lines of one chart have the first dashes, in their own order", () => {
  const lines = [{ dash: 5 }, { dash: 2 }, { dash: 5 }, { dash: 3 }];
  expect(evenDashes(lines).map(({ dash }) => dash)).toEqual([2, 0, 2, 1]);
});

test("only what is finite is drawn, and no bar beyond the trials that are", () => {
  const spread = { median: 2, low: 1, high: Infinity, values: [1, 2, 5, Infinity] };
  expect(drawable(spread)).toEqual([{ median: 2, low: 1, high: 5, values: [1, 2, 5] }]);
  expect(drawable({ ...spread, median: Infinity })).toEqual([]);
});

test("an interval that is the whole range because there are too few trials says so", () => {
  const note = (trials: number) => intervalNote(subject("[one]", trials).cells);
  expect(note(1)).toStartWith("One trial each");
  expect(note(3)).toContain("75 % confidence, the whole range");
  expect(note(12)).not.toContain("the whole range");
});

const MEANS = [
  "schedule_ns",
  "hold_back_ns",
  "window_wait_ns",
  "buffer_wait_ns",
  "link_wait_ns",
  "target_and_wire_ns",
];

function trialWith(aoe: object): Trial {
  const trial = sampleTrial(PLAIN);
  return { ...trial, loads: trial.loads.map((load) => ({ ...load, fio: { jobs: [{ aoe }] } })) };
}

describe("a load's document", () => {
  const split = (own: object = {}) =>
    trialWith({
      latency_split: {
        ...Object.fromEntries(MEANS.map((name, at) => [name, { mean: at, N: 3 }])),
        ...own,
      },
    });
  const series = (own: object = {}) =>
    trialWith({
      series: { at_ns: [1, 2], pool_length: [0, 0], owned: [1, 1], pinned_only: [3, 4], ...own },
    });

  test("has parts of a latency where each is of some command", () => {
    expect(splitOf(split())).toEqual([0, 1, 2, 3, 4, 5]);
    expect(splitOf(split({ buffer_wait_ns: { mean: 7, N: 0 } }))).toBeNull();
    expect(splitOf(split({ buffer_wait_ns: { mean: null, N: 3 } }))).toBeNull();
    expect(splitOf(trialWith({}))).toBeNull();
  });

  test("has a series where all its columns are of one length", () => {
    expect(seriesOf(series())).toMatchObject({ held: { mean: [3, 4] }, sampled: true });
    const slots = Object.fromEntries(
      ["owned", "held", "extra"].flatMap((name) =>
        ["least", "mean", "most"].map((of, at) => [`${name}_${of}`, [at, at + 10]]),
      ),
    );
    expect(seriesOf(series(slots))).toMatchObject({
      owned: { least: [0, 10], mean: [1, 11], most: [2, 12] },
      sampled: false,
    });
    expect(seriesOf(series({ ...slots, held_most: [1] }))).toBeNull();
    expect(seriesOf(series({ owned: [1] }))).toBeNull();
    expect(seriesOf(series({ at_ns: [], pool_length: [], owned: [], pinned_only: [] }))).toBeNull();
  });
});

describe("results that compare would refuse", () => {
  const slow = { ...run("[one]"), link: "virtual" as const };
  const subject = subjectOf([
    { name: "a", run: run("[one]") },
    { name: "b", run: slow },
    { name: "c", run: run("[one]") },
  ]);

  test("have settings of their own, and a sentence says by what they differ", () => {
    expect(subject.cells.map(({ setting, arm, group }) => [setting, arm, group])).toEqual([
      ["a and c", "a", 0],
      ["a and c", "c", 0],
      ["b", "all", 1],
    ]);
    expect(subject.apart).toEqual([
      "a and b have charts of their own, since they differ in the link packet and virtual.",
    ]);
  });

  test("are not drawn on one scale", () => {
    const reach = latency(subject).charts.map((chart) =>
      chart.kind === "intervals" ? chart.axis.reach.length : 0,
    );
    expect(reach).toEqual([4, 2]);
  });

  test("say by which key, where it is one", () => {
    const other = run('[one]\npool = "fixed"');
    const { apart } = subjectOf([
      { name: "a", run: run("[one]") },
      { name: "b", run: other },
    ]);
    expect(apart[0]).toEndWith("since they differ in the key `pool` (completion and fixed).");
  });
});

describe("a curve of latencies", () => {
  const buckets: readonly (readonly [number, number])[] = [
    [100_000, 99],
    [200_000, 1],
  ];
  const result = run("[one]");
  const made = {
    ...result,
    cells: result.cells.map((cell) => ({
      ...cell,
      trials: cell.trials.map((trial) => ({
        ...trial,
        figures: { ...PLAIN, lat_max_ns: 200_000 },
        loads: trialWith({ lat_buckets_ns: buckets }).loads,
      })),
    })),
  } satisfies RunResult;
  const section = compose(materialOf(made)).sections.find(({ id }) => id === "percentiles");
  const [chart] = section?.charts ?? [];
  const points = chart?.kind === "percentiles" ? (chart.curves[0]?.points ?? []) : [];

  test("ends where fewer than one command is left", () => {
    const last = points.at(-1)?.[0] ?? 0;
    // Of 100 commands one is left at 99 %.
    expect(last).toBeGreaterThan(98);
    expect(last).toBeLessThanOrEqual(99);
  });

  test("knows the longest to the nanosecond, not to its bucket", () => {
    const { columns = [], rows = [] } = section?.table ?? {};
    const tail = rows[0]?.[columns.indexOf("99.9 %")];
    expect(typeof tail === "object" ? tail.value : tail).toBe(200_000);
  });
});

test("of many pools over time those with the most held buffers are drawn; a peak is the most of any trial", () => {
  const kicks = Array.from({ length: 10 }, (_, at) => `${at + 1}ms`);
  const result = run(`[kicks]\nkick = ${JSON.stringify(kicks)}`, 3);
  const made: RunResult = {
    ...result,
    cells: result.cells.map((cell, at) => ({
      ...cell,
      trials: cell.trials.map((trial, order) => ({
        ...trial,
        loads: trialWith({
          series: { at_ns: [1], pool_length: [0], owned: [1], pinned_only: [at] },
          pool: {
            held_by_link: { mean: at, peak: at + ([5, 9, 1][order] ?? 0) },
            occupancy: { mean: 1, peak: 1 },
            pool_length_peak: 0,
          },
        }).loads,
      })),
    })),
  };
  const section = compose(materialOf(made)).sections.find(({ id }) => id === "levels");
  expect(section?.charts).toHaveLength(8);
  expect(section?.notes.at(-1)).toBe("Drawn are the 8 of 10 with the most held buffers.");
  const { columns = [], rows = [] } = section?.table ?? {};
  const most = rows.map((row) => row[columns.indexOf("held, most")]);
  expect(most.map((cell) => (typeof cell === "object" ? cell.value : cell))).toEqual(
    kicks.map((_, at) => at + 9),
  );
});
