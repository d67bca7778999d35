// One cell, one answer: the table of a run, its thresholds, a report and a comparison show the same figures.

import { describe, expect, test } from "bun:test";
import { cellFigures, countedTrials, figureOf, middleTrial, valuesOf } from "./cell_figures.ts";
import { compare } from "../judge/comparison.ts";
import { describeComparison } from "../judge/describe.ts";
import { METRICS, parseMetric } from "../judge/metric.ts";
import { parseJob } from "../job/job.ts";
import { compose } from "../report/compose.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { materialOf } from "../../testing/doubles/small_result.ts";
import type { Section } from "../report/report.ts";
import type { RunResult, Trial } from "./result.ts";
import { PLAIN, sampleRun, sampleTrial } from "../../testing/doubles/sample_result.ts";
import type { Figures } from "../load/figures.ts";
import { judgeThreshold } from "./threshold.ts";
import { parseThreshold } from "../job/threshold.ts";
import { describeRun } from "./describe.ts";

const MS = 1e6;
const of = (own: Partial<Figures> | null): Trial =>
  sampleTrial(own === null ? null : { ...PLAIN, ...own });
/** A trial in which nothing ended. */
const IDLE: Partial<Figures> = {
  iops: 0,
  lat_mean_ns: null,
  lat_p50_ns: null,
  lat_p90_ns: null,
  lat_p99_ns: null,
  lat_p999_ns: null,
  lat_max_ns: null,
  buffer_wait_mean_ns: null,
  buffer_wait_p99_ns: null,
  cpu_per_command_ns: null,
  cpu_quiet_ns: null,
};

test("the threshold `disturbed` is the share of the trials that count", () => {
  const trials = [true, false, false, true].map((disturbed) => ({ ...of({}), disturbed }));
  const judged = (text: string, of = trials) => judgeThreshold(parseThreshold(text), of);
  expect(judged("disturbed<=50%")).toMatchObject({ value: 0.5, shown: "50 %", held: true });
  expect(judged("disturbed<50%").held).toBe(false);
  const failed = sampleTrial(null);
  expect(judged("disturbed<=25%", [...trials.slice(1), failed, failed])).toMatchObject({
    shown: "33.3 %",
    held: false,
  });
  expect(judged("disturbed<=50%", [failed])).toMatchObject({ shown: "no data", held: false });
  expect(() => parseThreshold("disturbed<20")).toThrow("a probability between 0 and 1");
});

describe("a figure of a cell", () => {
  test("is the median over its trials, interpolated between two", () => {
    const trials = [52, 155, 114, 272].map((ms, at) =>
      of({ lat_p99_ns: ms * MS, iops: [1258, 1479, 1300, 1400][at] ?? 0 }),
    );
    expect(figureOf(trials, "lat_p99_ns")).toBe(134.5 * MS);
    expect(cellFigures(trials)).toMatchObject({ iops: 1350, lat_p99_ns: 134.5 * MS });
  });

  test("leaves out trials that failed, though they have figures", () => {
    const failed = { ...of({ iops: 1, failures: 3 }), failure: "it broke" };
    const trials = [of({ iops: 10 }), failed, of({ iops: 20 }), of(null)];
    expect(countedTrials(trials).length).toBe(2);
    expect(cellFigures(trials)).toMatchObject({ iops: 15, failures: 3 });
    expect(cellFigures([failed])).toBeNull();
    expect(figureOf([failed], "failures")).toBe(3);
    expect(figureOf([failed], "iops")).toBeNull();
    expect(figureOf([of(null)], "failures")).toBeNull();
  });

  test("takes the most of peaks and of what went wrong", () => {
    const trials = [
      of({ pool_length_peak: 3, mismatches: 0, lat_max_ns: 5, retransmits: 1 }),
      of({ pool_length_peak: 48, mismatches: 2, lat_max_ns: 9, retransmits: 7 }),
      of({ pool_length_peak: 0, mismatches: 0, lat_max_ns: 7, retransmits: 2 }),
    ];
    expect(cellFigures(trials)).toMatchObject({
      pool_length_peak: 48,
      mismatches: 2,
      lat_max_ns: 9,
      retransmits: 2,
    });
  });

  test("a trial in which nothing ended has a rate of 0, and times longer than all others'", () => {
    const idle = of(IDLE);
    const some = cellFigures([of({ lat_p50_ns: 5 }), idle, of({ lat_p50_ns: 7 })]);
    expect(some).toMatchObject({ iops: 40_000, lat_p50_ns: 7, lat_max_ns: null });
    expect(cellFigures([of({}), idle, idle])).toMatchObject({ iops: 0, lat_p50_ns: null });
    expect(cellFigures([of({}), idle])).toMatchObject({ iops: 20_000, lat_p99_ns: null });
    expect(valuesOf([idle], "lat_p99_ns")).toEqual([Number.POSITIVE_INFINITY]);
    expect(valuesOf([idle], "cpu_quiet_ns")).toEqual([]);
  });

  test("what not all trials know is the median of those that do", () => {
    const trials = [of({ cpu_quiet_ns: null }), of({ cpu_quiet_ns: 4 }), of({ cpu_quiet_ns: 6 })];
    expect(figureOf(trials, "cpu_quiet_ns")).toBe(5);
  });

  test("steady and lawful is a cell whose every trial is, as far as it is known", () => {
    const steady = (...said: (boolean | null)[]): boolean | null | undefined =>
      cellFigures(said.map((one) => of({ steady: one })))?.steady;
    expect([steady(true, null), steady(true, false), steady(null)]).toEqual([true, false, null]);
    expect(cellFigures([of({}), of({ littles_law_holds: false })])?.littles_law_holds).toBe(false);
  });
});

test("the middle trial's figures stay together: the lower of two, and none that failed", () => {
  const at = (iops: number): Trial => of({ iops, dry: iops });
  expect(middleTrial([at(30), of(null), at(10), at(20)])?.figures).toMatchObject({ dry: 20 });
  expect(middleTrial([at(40), at(10), at(30), at(20)])?.figures).toMatchObject({ dry: 20 });
  expect(middleTrial([{ ...at(1), failure: "it broke" }])).toBeNull();
});

describe("one result, one answer", () => {
  const JOB = parseJob('[a]\nthresholds = ["lat.p99<1s", "iops>=1", "kick_stall<1h"]', "j.toml");
  const P99 = [52, 155, 114, 272];
  const RATES = [1258, 1479, 1300, 1400];
  const STALL = [10, 20, 30, 40];
  /** Trials that have a document each, from which the report draws. */
  const run: RunResult = sampleRun(JOB, () =>
    P99.map((ms, at) => ({
      lat_p50_ns: (at + 1) * MS,
      lat_p99_ns: ms * MS,
      lat_max_ns: ms * MS,
      iops: RATES[at] ?? 0,
      kicks: 1,
      kick_stall_ns: (STALL[at] ?? 0) * MS,
    })),
  );
  const told: RunResult = {
    ...run,
    cells: run.cells.map((cell) => ({
      ...cell,
      trials: cell.trials.map((trial, at) => ({
        ...trial,
        loads: trial.loads.map((load) => ({
          ...load,
          fio: {
            jobs: [
              {
                aoe: {
                  // 98 commands at the median's time, 2 at the 99th percentile's.
                  lat_buckets_ns: [
                    [(at + 1) * MS, 98],
                    [(P99[at] ?? 0) * MS, 2],
                  ],
                  stalls_ns: [[0, (STALL[at] ?? 0) * MS]],
                  stall_count: 1,
                },
              },
            ],
          },
        })),
      })),
    })),
  };
  const report = compose(materialOf(told));
  const sectionOf = (id: string): Section => {
    const found = report.sections.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no section ${id}`);
    return found;
  };
  const cellOf = (id: string, column: string): unknown => {
    const { table } = sectionOf(id);
    const cell = table?.rows[0]?.[table.columns.indexOf(column)];
    return typeof cell === "object" ? cell.shown : cell;
  };

  test("the 99th percentile is 134 ms everywhere, and the rate 1,350", () => {
    expect(describeRun(told)).toMatch(/1,350 .* 135 ms .* 2\.5 ms/);
    expect(told.cells[0]?.thresholds.map(({ value }) => value)).toEqual([
      134.5 * MS,
      1350,
      25 * MS,
    ]);
    expect(cellOf("throughput", "IOPS")).toBe("1,350");
    expect(cellOf("latency", "99th percentile")).toBe("135 ms");
    expect(cellOf("latency", "median")).toBe("2.5 ms");
    expect(cellOf("percentiles", "99 %")).toBe("135 ms");
    expect(cellOf("percentiles", "longest")).toBe("272 ms");
    expect(cellOf("stalls", "stalled")).toBe("25 ms");
    const compared = describeComparison(compare(told, told, parseMetric("lat.p99"), () => 0.05));
    expect(compared.match(/135 ms \(52 ms – 272 ms\)/g)?.length).toBe(2);
  });

  test("every metric that is compared is what the cell's figures say", () => {
    const [cell] = told.cells;
    for (const { name, key } of METRICS) {
      const comparison = compare(told, told, parseMetric(name), () => 0.05);
      expect([name, comparison.cells[0]?.base.median]).toEqual([name, cell?.median?.[key] ?? 0]);
    }
  });

  test("each place says what its figures are", () => {
    expect(describeRun(told)).toContain("medians over the trials");
    expect(reportMarkdown(report)).toContain("the mark is their median");
    expect(sectionOf("percentiles").notes.join()).toContain("median over the trials");
    expect(sectionOf("stalls").notes.join()).toContain("medians over the trials");
    const compared = describeComparison(compare(told, told, parseMetric("iops"), () => 0.05));
    expect(compared).toContain("medians over the trials");
  });
});
