// Headings say only what the trials show: given trials that contradict it, a heading is not made.

import { describe, expect, test } from "bun:test";
import { parseJob } from "../job/job.ts";
import type { RunResult, Trial } from "../result/result.ts";
import { PLAIN, sampleRun } from "../../testing/doubles/sample_result.ts";
import { compose } from "./compose.ts";
import type { Section } from "./report.ts";
import { materialOf } from "../../testing/doubles/small_result.ts";
import type { Figures } from "../load/figures.ts";

const TWO = '[pools]\npool = ["scan-swap", "completion"]';
const US = 1e3;

/** `of`: what each trial of a pool has, and what it makes of its own. */
function run(
  of: (pool: string, cap: number) => readonly Partial<Figures>[],
  job = TWO,
  own: Partial<RunResult> = {},
): RunResult {
  return sampleRun(parseJob(job, "j.toml"), ({ values }) => of(values.pool, values.poolCap), own);
}

function withTrials(result: RunResult, own: (trial: Trial) => Partial<Trial>): RunResult {
  return {
    ...result,
    cells: result.cells.map((cell) => ({
      ...cell,
      trials: cell.trials.map((trial) => ({ ...trial, ...own(trial) })),
    })),
  };
}

const disturbed = (result: RunResult): RunResult => withTrials(result, () => ({ disturbed: true }));

function sectionOf(result: RunResult, id: string): Section {
  const found = compose(materialOf(result)).sections.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no section ${id}`);
  return found;
}
const heading = (result: RunResult, id: string): string => sectionOf(result, id).finding;

const rates = (...scan: number[]): RunResult =>
  run((pool) => (pool === "scan-swap" ? scan : [100, 104, 98]).map((iops) => ({ iops })));

describe("throughput", () => {
  test("one arm is slower where every trial says so", () => {
    expect(heading(rates(30, 34, 40), "throughput")).toBe(
      "scan-swap runs at 34 % of completion: 34 against 100 IOPS.",
    );
    expect(heading(rates(30, 34, 90), "throughput")).toBe(
      "Which arm is faster is not shown: trials of scan-swap reach 30 to 90 IOPS, those of completion 98 to 104.",
    );
    expect(heading(rates(90, 95, 100), "throughput")).toBe(
      "No arm is far from another: the slowest runs at 95 % of the fastest.",
    );
  });

  test("disturbed trials make no heading, and a note says so", () => {
    expect(heading(disturbed(rates(30, 34, 40)), "throughput")).toBe(
      "Others used the CPUs in half of the trials or more in all 2 cells, so the figures below say nothing about an arm.",
    );
    const one = withTrials(rates(30, 34, 40), ({ figures }) => ({
      disturbed: (figures?.iops ?? 0) < 50,
    }));
    expect(heading(one, "throughput")).toBe("100 IOPS.");
    expect(sectionOf(one, "throughput").notes.at(-1)).toBe(
      "1 cell of 2 had half of the trials disturbed or more: no heading speaks of it.",
    );
  });

  test("an exact difference needs one trial, and is told from a tenth on", () => {
    const exact = (iops: number): string =>
      heading(
        run((pool) => [{ iops: pool === "scan-swap" ? iops : 100 }], TWO, { link: "virtual" }),
        "throughput",
      );
    expect(exact(89)).toStartWith("scan-swap runs at 89 % of completion");
    expect(exact(91)).toStartWith("No arm is far from another");
  });
});

describe("latency", () => {
  const p99 = (...scan: number[]): RunResult =>
    run((pool) =>
      (pool === "scan-swap" ? scan : [100, 104, 98]).map((us) => ({ lat_p99_ns: us * US })),
    );

  test("arms are ranked where every trial says so", () => {
    expect(heading(p99(200, 300, 250), "latency")).toBe(
      "99 % of commands end within 100 µs with completion, and within 250 µs with scan-swap.",
    );
    expect(heading(p99(90, 300, 250), "latency")).toBe(
      "99 % of commands end within 100 µs to 250 µs, by arm; no order of arms is shown.",
    );
    expect(heading(p99(100, 110, 120), "latency")).toBe(
      "99 % of commands end within 100 µs to 110 µs, by arm; no arm is far from another.",
    );
    expect(heading(disturbed(p99(200, 300, 250)), "latency")).toStartWith("Others used the CPUs");
  });
});

describe("the tail", () => {
  /** 999 commands in a thousand at 100 µs, the rest at `us`. */
  const tails = (commands: number, ...us: number[]): RunResult => {
    const plain = run(() => us.map(() => ({ lat_max_ns: 1e9 })));
    return {
      ...plain,
      cells: plain.cells.map((cell) => ({
        ...cell,
        trials: cell.trials.map((trial, at) => {
          const tail = cell.values.pool === "scan-swap" ? (us[at] ?? 0) : 200;
          const buckets = [
            [100 * US, 0.998 * commands],
            [tail * US, 0.002 * commands],
          ];
          return {
            ...trial,
            loads: trial.loads.map((load) => ({
              ...load,
              fio: { jobs: [{ aoe: { lat_buckets_ns: buckets } }] },
            })),
          };
        }),
      })),
    };
  };

  test("is the longest where every trial says so", () => {
    expect(heading(tails(10_000, 900, 1000, 1100), "percentiles")).toMatch(
      /^The longest tail is that of scan-swap: one command in a thousand takes more than 1 ms, 10 times the median\.$/,
    );
    expect(heading(tails(10_000, 900, 1000, 210), "percentiles")).toStartWith(
      "No arm's tail stands out: with scan-swap one command in a thousand",
    );
    expect(heading(disturbed(tails(10_000, 900, 1000)), "percentiles")).toStartWith("Others used");
  });

  test("of fewer than a thousand commands is not told", () => {
    expect(heading(tails(900, 900, 1000, 1100), "percentiles")).toBe(
      "No arm has 1,000 commands in each trial, so one in a thousand can't be told.",
    );
  });
});

describe("the knee", () => {
  const CAPS = '[caps]\npool = "scan-swap"\npool_cap = [0, 16, 48, 64]';
  const knee = (of: (cap: number) => number[], own: Partial<RunResult> = {}): RunResult =>
    run((_, cap) => of(cap).map((iops) => ({ iops, pool_cap: cap })), CAPS, own);

  test("is where no trial with a smaller cap comes up to those with larger ones", () => {
    expect(
      heading(
        knee((cap) => (cap < 48 ? [cap, cap + 1] : [100, 101])),
        "caps",
      ),
    ).toBe("scan-swap reaches 99 % of its best at a cap of 48.");
    const zigzag = knee((cap) => (cap < 48 ? [cap, 100.5] : [100, 101]));
    expect(heading(zigzag, "caps")).toBe(
      "No knee is shown: trials with smaller and with larger caps overlap, or were disturbed.",
    );
    const [chart] = sectionOf(zigzag, "caps").charts;
    expect(chart?.kind === "knee" ? chart.lines[0]?.knee : 0).toBeNull();
    const spoilt = disturbed(knee((cap) => (cap < 48 ? [cap] : [100])));
    expect(heading(spoilt, "caps")).toStartWith("No knee is shown");
    expect(
      heading(
        knee((cap) => [cap]),
        "caps",
      ),
    ).toStartWith("No knee is found");
  });
});

test("what a pool did while others had the CPUs is no heading either", () => {
  const blocks = (result: RunResult): RunResult =>
    withTrials(result, ({ loads }) => ({
      loads: loads.map((load) => ({
        ...load,
        fio: {
          jobs: [
            {
              aoe: {
                latency_split: Object.fromEntries(
                  ["schedule", "window_wait", "buffer_wait", "transmit", "target_and_wire"].map(
                    (part) => [`${part}_ns`, { mean: 10, N: 5 }],
                  ),
                ),
                stalls_ns: [[0, 5e8]],
                stall_count: 1,
                series: { at_ns: [1], pool_length: [0], owned: [1], pinned_only: [3] },
                pool: {
                  held_by_link: { mean: 3, peak: 4 },
                  occupancy: { mean: 1, peak: 1 },
                  pool_length_peak: 0,
                },
              },
            },
          ],
        },
      })),
    }));
  const plain = blocks(run(() => [{ ...PLAIN, kicks: 1, kick_stall_ns: 5e8 }]));
  expect(heading(plain, "split")).toMatch(/^(scan-swap|completion) spends 20 % of its latency/);
  expect(heading(plain, "stalls")).toContain("stands still for 50 % of the time, in 1 stall;");
  expect(heading(plain, "levels")).toContain("the link holds 3.0 buffers on average");
  for (const id of ["split", "stalls", "levels"]) {
    expect(heading(disturbed(plain), id)).toStartWith("Others used the CPUs");
  }
});
