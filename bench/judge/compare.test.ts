// Verdicts on results made by hand: known differences are found, equal things stay equal, and what can't be
// compared is refused in one sentence with the right exit code.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRandom, type Random } from "../../words/random.ts";
import { cellsOf, parseJob } from "../job/job.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { AOE } from "../../lab/programs.ts";
import { obstacles } from "../result/comparable.ts";
import { compare } from "./comparison.ts";
import { describeComparison } from "./describe.ts";
import { parseMetric } from "./metric.ts";
import { within } from "./noise.ts";
import type { Verdict } from "./verdict.ts";
import { readResult } from "../result/result_file.ts";
import { runChild } from "../machine/child.ts";

const JOB = parseJob('[pools]\npool = ["fixed", "scan-swap", "completion"]', "j.toml");
const SCRIPT = Bun.which("script");
const IOPS = parseMetric("iops");

/** Rates around `rate`, spread over some percent, evenly. */
function spread(random: Random, trials: number, rate: number, percent: number): { iops: number }[] {
  return Array.from({ length: trials }, () => ({
    iops: rate * (1 + (percent / 100) * (2 * random.float() - 1)),
  }));
}

function run(
  random: Random,
  trials: number,
  factor: (pool: string) => number,
  percent = 5,
): RunResult {
  return sampleRun(JOB, (cell) =>
    spread(random, trials, 40_000 * factor(cell.values.pool), percent),
  );
}

const verdictOf = (a: RunResult, b: RunResult, band = 0.02): string =>
  compare(a, b, IOPS, () => band).verdict;

test("two equal things: no false verdict in more than 2 of 100 comparisons", () => {
  const random = createRandom(4);
  let wrong = 0;
  for (let round = 0; round < 100; round++) {
    const verdict = verdictOf(
      run(random, 7, () => 1),
      run(random, 7, () => 1),
    );
    if (verdict === "better" || verdict === "worse") wrong++;
  }
  expect(wrong).toBeLessThanOrEqual(2);
});

test("10 % less, within ±5 % of noise: found in 20 of 20, by 9 trials a side; and the other way round", () => {
  const random = createRandom(5);
  for (let round = 0; round < 20; round++) {
    const [base, head] = [run(random, 9, () => 1), run(random, 9, () => 0.9)];
    expect(verdictOf(base, head)).toBe("worse");
    expect(verdictOf(head, base)).toBe("better");
  }
});

test("one row of three that falls is found, though the mean hardly moves", () => {
  const random = createRandom(6);
  const head = run(random, 9, (pool) => (pool === "fixed" ? 0.85 : 1));
  const comparison = compare(
    run(random, 9, () => 1),
    head,
    IOPS,
    () => 0.05,
  );
  expect(comparison.verdict).toBe("worse");
  expect(comparison.cells.map(({ verdict }) => verdict)).toEqual(["worse", "same", "same"]);
  expect(comparison.summary).toStartWith("worse: iops of the head at ");
  expect(comparison.summary).toContain("worse in fixed");
});

test("within the band it is the same, however sure; across its edge nobody knows", () => {
  const random = createRandom(7);
  const [base, head] = [run(random, 20, () => 1, 0.1), run(random, 20, () => 0.98, 0.1)];
  expect(verdictOf(base, head, 0.05)).toBe("same");
  expect(verdictOf(base, head, 0.01)).toBe("worse");
  expect(
    verdictOf(
      run(random, 9, () => 1, 30),
      run(random, 9, () => 0.97, 30),
      0.05,
    ),
  ).toBe("inconclusive");
});

test("a duration is better when it is lower", () => {
  const of = (ns: number): RunResult =>
    sampleRun(JOB, () => Array.from({ length: 9 }, (_, at) => ({ lat_p50_ns: ns + at })));
  const metric = parseMetric("lat.p50");
  expect(compare(of(1000), of(2000), metric, () => 0.05).verdict).toBe("worse");
  expect(compare(of(2000), of(1000), metric, () => 0.05).verdict).toBe("better");
});

test("below 4 trials there is no verdict, below 9 there is a warning", () => {
  const random = createRandom(8);
  const few = compare(
    run(random, 3, () => 1),
    run(random, 3, () => 0.2),
    IOPS,
    () => 0.05,
  );
  expect(few.verdict).toBe("inconclusive");
  expect(few.warnings.join()).toContain("below 4 there is no verdict");
  const some = compare(
    run(random, 8, () => 1),
    run(random, 8, () => 0.2),
    IOPS,
    () => 0.05,
  );
  expect(some.verdict).toBe("worse");
  expect(some.warnings.join()).toContain("below 9 a verdict is less sure");
});

describe("a pool that stands still", () => {
  const rates = (idle: number, metric: "iops" | "lat_p99_ns" = "iops"): RunResult =>
    sampleRun(JOB, () =>
      Array.from({ length: 9 }, (_, at) => ({
        iops: at < idle ? 0 : 40_000 + at,
        ...(metric === "iops" ? {} : { lat_p99_ns: at < idle ? null : 900 + at }),
      })),
    );
  const P99 = parseMetric("lat.p99");

  test.each([
    [9, "worse", "better"],
    // The interval reaches from nothing to all of it.
    [5, "inconclusive", "inconclusive"],
  ])("in %d of 9 trials is a figure and never the same", (idle, verdict, turned) => {
    const found = compare(rates(0), rates(idle), IOPS, () => 0.05);
    expect(found.cells.map(({ head, ratio }) => [head.n, head.median, ratio])).toEqual(
      Array(3).fill([9, 0, 0]),
    );
    expect(found.cells.map((cell) => cell.verdict)).toEqual(Array(3).fill(verdict));
    expect(found.summary).toStartWith(`${verdict}: iops of the head at 0.0 % of the base's`);
    expect(compare(rates(idle), rates(0), IOPS, () => 0.05).verdict).toBe(turned as Verdict);
  });

  test("in all trials of both is the same", () => {
    const found = compare(rates(9), rates(9), IOPS, () => 0.05);
    expect(found.cells.map(({ ratio, verdict }) => [ratio, verdict])).toEqual(
      Array(3).fill([1, "same"]),
    );
    expect(found.geomean?.verdict).toBe("same");
  });

  test("has no latency, which is longer than any", () => {
    const found = compare(rates(0, "lat_p99_ns"), rates(9, "lat_p99_ns"), P99, () => 0.05);
    expect(found.cells[0]).toMatchObject({ ratio: Number.POSITIVE_INFINITY, verdict: "worse" });
    expect(describeComparison(found)).toContain("– (– – –)");
    expect(describeComparison(found)).toContain("∞ (∞ – ∞)");
  });

  test("in one row of three drags the whole to nothing", () => {
    const head = sampleRun(JOB, (cell) =>
      Array.from({ length: 9 }, () => ({ iops: cell.values.pool === "fixed" ? 0 : 40_000 })),
    );
    const found = compare(rates(0), head, IOPS, () => 0.05);
    expect(found.cells.map(({ verdict }) => verdict)).toEqual(["worse", "same", "same"]);
    expect(found.geomean).toMatchObject({ ratio: 0, verdict: "worse" });
  });
});

test("trials that failed stand in no figure of a comparison", () => {
  const whole = sampleRun(JOB, () => Array.from({ length: 9 }, () => ({ iops: 100 })));
  const broken = {
    ...whole,
    cells: whole.cells.map((cell) => ({
      ...cell,
      trials: cell.trials.map((trial, at) => (at > 3 ? trial : { ...trial, failure: "it broke" })),
    })),
  };
  const found = compare(whole, broken, IOPS, () => 0.05);
  expect(found.cells.map(({ head }) => head.n)).toEqual([5, 5, 5]);
  expect(found.head.failed_trials).toBe(12);
});

test("only matched rows count, and the rest is told", () => {
  const random = createRandom(9);
  const other = sampleRun(parseJob('[pools]\npool = ["fixed", "uncapped"]', "j.toml"), () =>
    spread(random, 9, 40_000, 1),
  );
  const comparison = compare(
    run(random, 9, () => 1, 1),
    other,
    IOPS,
    () => 0.05,
  );
  expect(comparison.geomean).toMatchObject({ rows: 1, verdict: "same" });
  expect(comparison.warnings).toContain(
    "3 rows on one side only left out: the sides differ in the key `pool` (completion, fixed, scan-swap and fixed, uncapped).",
  );
});

test("the band of an A/A run is as wide as halves of it differ", () => {
  const even = Array.from({ length: 18 }, (_, at) => Math.log(1000 + at));
  expect(within(even, 1)).toBeLessThan(0.02);
  const wide = even.map((value, at) => value + (at % 2 === 0 ? 0.5 : 0));
  expect(within(wide, 1)).toBeGreaterThan(0.3);
});

describe("the command", () => {
  let folder = "";
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "aoe-compare-"));
    const random = createRandom(10);
    const files: Record<string, unknown> = {
      "a.json": run(random, 9, () => 1),
      "b.json": run(random, 9, () => 1),
      "slow.json": run(random, 9, () => 0.7),
      "newer.json": { ...run(random, 4, () => 1), schema_version: 99 },
      "other.json": { schema_version: 1, kind: "aoe bench ab" },
      "cut.json": { schema_version: 1, kind: "aoe bench run" },
      "none.json": {},
      "failed.json": sampleRun(JOB, () => [null, null]),
      // Nine trials a row as in a.json, and one that failed.
      "partly.json": sampleRun(JOB, () => [...spread(random, 9, 40_000, 5), null]),
    };
    const elsewhere = run(random, 9, () => 1);
    files["elsewhere.json"] = {
      ...elsewhere,
      provenance: { ...elsewhere.provenance, machine: "ffffffff" },
    };
    files["baselines/there.json"] = files["elsewhere.json"];
    files["baselines/here.json"] = files["a.json"];
    for (const [name, value] of Object.entries(files)) {
      await Bun.write(join(folder, name), JSON.stringify(value));
    }
    await Bun.write(join(folder, "text.json"), "no JSON");
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    ["a.json b.json --band 5%", 0, "same: iops of the head at "],
    ["a.json slow.json --band 5%", 3, "worse: iops of the head at "],
    ["slow.json a.json --band 5%", 0, "better: iops of the head at "],
    ["--baseline here slow.json", 3, "noise is not known for 3 of 3 rows, so 5 % is assumed"],
    ["failed.json a.json", 1, "Nothing to compare: no row has figures on both sides."],
    ["a.json partly.json --band 5%", 1, "same: iops of the head at "],
    ["partly.json a.json --band 5%", 1, "same: iops of the head at "],
    ["a.json failed.json", 1, "Nothing to compare: no row has figures on both sides."],
    ["a.json elsewhere.json", 5, "The results are not comparable: they differ in the machine"],
    ["a.json elsewhere.json --anyway", 0, "Compared although they differ in the machine"],
    ["--baseline there a.json", 5, "The results are not comparable: they differ in the machine"],
    ["--baseline absent a.json", 2, "There is no baseline `absent` (saved: here, there)"],
    ["--baseline ../x a.json", 2, "Expected `--baseline` to be a name of letters"],
    [
      "a.json newer.json",
      5,
      "newer.json has schema version 99 and this program knows versions up to 2",
    ],
    [
      "a.json other.json",
      2,
      "other.json: Expected a result of `aoe bench run`, got one of `aoe bench ab`",
    ],
    [
      "a.json cut.json",
      2,
      "cut.json: Expected a result of `aoe bench run`, got one whose `started_at` is wrong",
    ],
    [
      "a.json none.json",
      2,
      "none.json: Expected a result of `aoe bench run`, got something without",
    ],
    ["a.json text.json", 2, "text.json: Expected JSON, got something else"],
    ["a.json absent.json", 5, "Can't read the result absent.json: no such file or directory"],
    ["a.json", 2, "Expected two results, BASE and HEAD"],
    ["a.json b.json --metric speed", 2, "Expected `--metric` to be one of iops, "],
    ["a.json b.json --band wide", 2, "Expected `--band` to be "],
  ])("%s: exit code %d", async (words, code, sentence) => {
    const {
      code: ended,
      stdout,
      stderr,
    } = await runChild([process.execPath, AOE, "bench", "compare", ...words.split(" ")], {
      cwd: folder,
      env: { ...process.env, AOE_BENCH_STATE: folder },
    });
    expect(stdout + stderr).toContain(sentence);
    expect(ended).toBe(code);
    if (code === 2 || code === 5) {
      expect(stderr.trim().split("\n").length).toBe(1);
      expect(stdout).toBe("");
    }
  });

  test.skipIf(SCRIPT === null)(
    "on a terminal no line of the table is wider; piped it has all the room",
    async () => {
      const lines = async (command: readonly string[]): Promise<string[]> => {
        const child = Bun.spawn([...command], { cwd: folder, stdin: "ignore", stdout: "pipe" });
        const text = await child.stdout.text();
        return text.split(/\r?\n/).filter((line) => /^ ?(pool|service|iops|fixed|scan)/.test(line));
      };
      const compare = `${process.execPath} ${AOE} bench compare a.json b.json`;
      const piped = await lines(["sh", "-c", compare]);
      const narrow = await lines([SCRIPT ?? "", "-qec", `stty cols 60; ${compare}`, "/dev/null"]);
      expect(Math.max(...piped.map((line) => line.length))).toBeGreaterThan(100);
      expect(narrow.length).toBeGreaterThan(1);
      expect(Math.max(...narrow.map((line) => line.length))).toBeLessThanOrEqual(60);
    },
    60_000,
  );
});

test("another way of the frames is another row: a hold, a lane, a ring, another link", () => {
  const of = (keys: string) =>
    sampleRun(parseJob(`[a]\n${keys}`, "j.toml"), () => [{}], {
      link: keys.startsWith('link = "ring"') ? "ring" : "packet",
    });
  const plain = of('link = "ring"\nlate = "release:0s"');
  for (const [keys, late] of [
    ['link = "ring"', "nothing"],
    ['link = "ring"\nlate = "hold:10ms"', "hold:10ms"],
  ] as const) {
    expect(obstacles(plain, of(keys))).toEqual([`the key \`late\` (release:0s and ${late})`]);
  }
  expect(obstacles(of(""), of('write_lane = "on"'))).toEqual(["the key `write_lane` (off and on)"]);
  expect(obstacles(of(""), of('receive_ring = "64k"'))).toEqual([
    "the key `receive_ring` (nothing and 64k)",
  ]);
  expect(obstacles(of('link = "packet"'), of('link = "ring"'))[0]).toBe("the link packet and ring");
});

test("what keeps two results apart is named: keys with both sides, jobs, or rows where both have all values", () => {
  const of = (text: string) => sampleRun(parseJob(text, "j.toml"), () => [{}]);
  expect(obstacles(of("[a]"), of('[a]\niodepth = 32\nbs = "8k"'))).toEqual([
    "the key `bs` (4k and 8k)",
    "the key `iodepth` (16 and 32)",
  ]);
  expect(obstacles(of("[a]"), of("[b]"))).toEqual(["the job section (a and b)"]);
  expect(obstacles(of("[a]\niodepth = [1, 2]"), of("[a]\niodepth = 1"))).toEqual([
    "the key `iodepth` (1, 2 and 1)",
  ]);
  const crossed = (one: string, two: string) =>
    of(`[a]\niodepth = 1\nbs = "${one}"\n[b]\niodepth = 2\nbs = "${two}"`);
  expect(obstacles(crossed("4k", "8k"), crossed("8k", "4k"))).toEqual([
    "the job (4 rows are on one side only)",
  ]);
  expect(obstacles(of("[a]"), of("[a]\ntrials = 9\nseed = 3\nretries = 0"))).toEqual([]);
});

test("a result from before a key came has the rows of one that says nothing of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-before-"));
  try {
    const later = sampleRun(parseJob("[a]", "j.toml"), () => [{}]);
    const cells = later.cells.map((cell) => {
      const { late: _l, write_lane: _w, ...values } = cell.values;
      return { ...cell, values };
    });
    const path = join(folder, "before.json");
    await Bun.write(path, JSON.stringify({ ...later, cells }));
    expect(obstacles(readResult(path), later)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("rows are known by what was run, not by how often", () => {
  const more = parseJob("[a]\ntrials = 3\nseed = 9", "j.toml");
  const [one] = parseJob("[a]", "j.toml").jobs.flatMap(cellsOf);
  const [other] = more.jobs.flatMap(cellsOf);
  expect(one?.values.trials).not.toBe(other?.values.trials ?? "");
  const a = sampleRun(parseJob("[a]", "j.toml"), () => [{}, {}, {}, {}]);
  const b = sampleRun(more, () => [{}, {}, {}, {}]);
  expect(compare(a, b, IOPS, () => 0.05).geomean?.rows).toBe(1);
});
