// Where no command ended nothing was measured: no output says "0", and the exit code says so.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Linear } from "../load/arrivals.ts";
import { compare } from "../judge/comparison.ts";
import { describeComparison } from "../judge/describe.ts";
import { parseMetric } from "../judge/metric.ts";
import { readResult } from "../result/result_file.ts";
import { handLoad } from "../../testing/doubles/hand_load.ts";
import { Histogram } from "../../statistics/histogram.ts";
import { toHgrm, toHlog } from "../../statistics/histogram_files.ts";
import { latencyFigures } from "../load/fio_json.ts";
import { probeLab, runInLab } from "../../lab/lab.ts";
import { parseJob } from "../job/job.ts";
import { compose } from "../report/compose.ts";
import { reportMarkdown } from "../report/markdown.ts";
import { materialOf } from "../../testing/doubles/small_result.ts";
import type { RunResult } from "../result/result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { AOE } from "../../lab/programs.ts";

const DEMO = join(import.meta.dir, "../../fixtures/jobs/demo.toml");
/** `fixed` waits for its kick all the measured time. */
const IDLE = [
  ...["link=virtual", "pool=fixed", "service=", "reclaim=coalesce:64/10ms", "kick=100ms"],
  ...["warm_up=1ms", "ramp_time=1ms", "runtime=1ms", "floor=off"],
];
const SECONDS = 1000;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-no-data-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function aoe(...words: string[]) {
  const ran = Bun.spawnSync([process.execPath, AOE, "bench", ...words], {
    cwd: folder,
    stdin: "ignore",
  });
  return { code: ran.exitCode, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() };
}
const sets = (...all: string[]): string[] => all.flatMap((set) => ["--set", set]);

/** Every number in a JSON value that stands behind a key like `key`. */
function behind(value: unknown, key: RegExp, found: unknown[] = []): unknown[] {
  if (value === null || typeof value !== "object") return found;
  for (const [name, inner] of Object.entries(value)) {
    if (key.test(name) && (inner === null || typeof inner === "number")) found.push(inner);
    behind(inner, key, found);
  }
  return found;
}

describe("a run in which no command ended", () => {
  let result: RunResult;
  let ran: ReturnType<typeof aoe>;
  beforeAll(() => {
    const thresholds = "thresholds=lat.p99<2ms|iops>=0|buffer_wait.p99<1s";
    ran = aoe("run", DEMO, ...sets(...IDLE, thresholds), "-o", "idle.json", "--ndjson");
    result = readResult(join(folder, "idle.json"));
  }, 60 * SECONDS);

  test("ends with 1, and says so", () => {
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain(
      "In 1 of 1 trials no command ended in the measured time: their rate is 0.",
    );
    expect(result.cells[0]?.trials[0]).toMatchObject({ exit_code: 1, failure: null });
  });

  test("has a rate of 0, and null for every time", () => {
    const [cell] = result.cells;
    for (const figures of [cell?.median, cell?.trials[0]?.figures]) {
      expect(figures).toMatchObject({ iops: 0, failures: 0 });
      const times = behind(figures, /^(lat|buffer_wait|cpu)_/);
      expect(times).toEqual(Array(10).fill(null));
    }
    const events = ran.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const trial = events.find(({ event }) => event === "trial");
    expect(trial.trial.figures.lat_p99_ns).toBeNull();
  });

  test("shows dashes and no zero in its table, and `no data` for its thresholds", () => {
    const row = ran.stderr.split("\n").find((line) => /^all +0 /.test(line));
    expect(row).toMatch(/^all +0 +– +– +exact +– +– +0 +0$/);
    expect(ran.stderr).toContain("threshold lat.p99<2ms: MISSED, no data");
    expect(ran.stderr).toContain("threshold buffer_wait.p99<1s: MISSED, no data");
    expect(ran.stderr).toContain("threshold iops>=0: kept, 0");
    expect(ran.stderr).not.toMatch(/\b0ns\b/);
  });

  test("is fio's json+ without a time: neither in a percentile nor in a share", () => {
    const jobs = result.cells[0]?.trials[0]?.loads[0]?.fio["jobs"];
    const [job] = jobs as { read: Record<string, unknown>; [key: string]: unknown }[];
    for (const key of ["slat_ns", "clat_ns", "lat_ns"]) {
      const figures = job?.read[key] as Record<string, unknown>;
      expect(figures["N"]).toBe(0);
      for (const name of ["min", "max", "mean", "stddev"]) expect(figures[name]).toBeNull();
      expect(new Set(Object.values(figures["percentile"] as object))).toEqual(new Set([null]));
    }
    for (const table of ["latency_ns", "latency_us", "latency_ms"]) {
      expect(new Set(Object.values(job?.[table] as object))).toEqual(new Set([null]));
    }
    expect(job?.read["total_ios"]).toBe(0);
  });

  test("gives a report that has no latency, and no finding about it", () => {
    const text = reportMarkdown(compose(materialOf(result)));
    expect(text).toContain(
      "No command ended in the measured time, so there is no latency to show.",
    );
    expect(text).not.toMatch(/within 0|0 ns|more than 0/);
    expect(text).toContain("0 IOPS");
  });

  test("has no latency that a comparison could call the same", () => {
    const comparison = compare(result, result, parseMetric("lat.p99"), () => 0.05);
    expect(describeComparison(comparison)).not.toMatch(/\b0 ?ns/);
    expect(comparison.verdict).toBe("inconclusive");
  });
});

test("a file of schema version 1 that has zeros for nothing is read as null", async () => {
  const job = parseJob('[a]\nthresholds = ["lat.p99<2ms"]', "j.toml");
  const old = sampleRun(job, () => [
    { iops: 0, lat_p50_ns: 0, lat_p99_ns: 0, cpu_quiet_ns: 0, kick_commands_p50: 0 },
  ]);
  const path = join(folder, "old.json");
  await Bun.write(
    path,
    JSON.stringify({ ...old, schema_version: 1, findings: ["99 % end within 0."] }),
  );
  const [cell] = readResult(path).cells;
  expect(cell?.median).toMatchObject({
    lat_p50_ns: null,
    lat_p99_ns: null,
    cpu_quiet_ns: null,
    kick_commands_p50: null,
  });
  expect(cell?.thresholds[0]).toMatchObject({ value: null, shown: "no data", held: false });
  expect(readResult(path).findings).not.toContain("99 % end within 0.");
});

test("a histogram of nothing writes no figure", () => {
  const empty = new Histogram();
  expect(toHgrm(empty)).toBe("#[No data: nothing was measured]\n");
  const lines = toHlog([{ start: 0, end: 1e9, histogram: empty }], 0).split("\n");
  expect(lines.filter((line) => /^\d/.test(line))).toEqual([]);
  expect(latencyFigures(empty, false)).toEqual({
    min: null,
    max: null,
    mean: null,
    stddev: null,
    N: 0,
  });
});

test("a load without a command that was due has no times either", () => {
  const { load, advance } = handLoad({
    iodepth: 1,
    rampTime: 0,
    runtime: 10,
    arrivals: new Linear(1, 100),
  });
  for (let now = 0; !load.finished; now += 5) advance(now);
  expect([load.completed, load.lat.percentile(99), load.lat.most]).toEqual([0, null, null]);
});

const lab = probeLab();
test.skipIf(!lab.available)(
  `\`bench load\` of a target that never answers within the measured time${lab.available ? "" : ` (skipped: ${lab.reason})`}`,
  async () => {
    await Bun.write(join(folder, "image"), new Uint8Array(1 << 20));
    const bench = `'${process.execPath}' '${AOE}' bench load e7.3 --interface a0`;
    // Answers take longer than all the measured time; but come.
    const script = `
      '${process.execPath}' '${AOE}' target 7 3 b0 image --delay 400ms 2>target.err & target=$!
      ${bench} --wait 9s --warm-up 0s --ramp-time 0s --iodepth 1 --runtime 100ms --hgrm l.hgrm --hlog l.hlog >load.out 2>load.err; echo "load $?"
      ${bench} --wait 9s --warm-up 0s --ramp-time 0s --iodepth 1 --runtime 100ms --json >load.json 2>/dev/null; echo "json $?"
      kill -TERM $target; wait $target`;
    const ran = await runInLab(["sh", "-c", script], { cwd: folder });
    const file = (name: string): string => readFileSync(join(folder, name), "utf8");
    expect([ran.stdout.trim().split("\n"), file("load.err")]).toEqual([
      ["load 1", "json 1"],
      expect.stringContaining(
        "No command ended well in the measured time of 100 ms, so there is no rate",
      ),
    ]);
    expect(file("load.out")).toContain("latency: no data\n");
    expect(file("load.out")).toContain(": 0 IOPS, 0 B/s over 100 ms");
    expect(file("l.hgrm")).toBe("#[No data: nothing was measured]\n");
    expect(file("l.hlog")).toContain("#[No data: nothing was measured]");
    const { figures } = JSON.parse(file("load.json")).jobs[0].aoe;
    expect([figures.iops, figures.lat_p99_ns, figures.failures]).toEqual([0, null, 0]);
  },
  60 * SECONDS,
);
