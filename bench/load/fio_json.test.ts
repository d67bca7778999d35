// fio itself judges the shape: its own output (where fio is installed) has no key that ours lacks, and
// its converter reads ours and finds every bin again.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunFigures, fioDocument, fioJob } from "./fio_json.ts";
import { Histogram } from "../../statistics/histogram.ts";

function filled(...values: number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

const EMPTY = new Histogram();
const run: RunFigures = {
  jobname: "one",
  options: { rw: "randread", bs: "4k", iodepth: "16" },
  error: 0,
  runtimeNs: 2e9,
  elapsedNs: 3.2e9,
  intervalNs: 1e9,
  bs: 4096,
  iodepth: 16,
  read: {
    ios: 4,
    bytes: 16_384,
    slat: filled(1000, 1100, 1200, 5000),
    clat: filled(50_000, 60_000, 70_000, 900_000),
    lat: filled(51_000, 61_100, 71_200, 905_000),
    intervals: [1, 3],
  },
  write: { ios: 0, bytes: 0, slat: EMPTY, clat: EMPTY, lat: EMPTY, intervals: [0, 0] },
  lat: filled(51_000, 61_100, 71_200, 905_000),
  depths: [1, 1, 2, 0, 0, 0, 0],
  userCpuPercent: 10,
  systemCpuPercent: 20,
  contextSwitches: 5,
  majorFaults: 0,
  minorFaults: 7,
  aoe: { pool: { dry: 0 } },
};
const document = fioDocument([fioJob(run, EMPTY)], 1_700_000_000_123, { schema: 1 });

function keys(value: unknown, path = ""): string[] {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => [
    `${path}/${key}`,
    ...keys(inner, `${path}/${key}`),
  ]);
}

/** What fio-plot 1.1 reads of a file: fio_plot/fiolib/jsonimport.py, jsonparsing.py and table_support.py of it. */
const OF_FIO_PLOT = [
  ...["/fio version", "/jobs"],
  ...["rw", "bs", "iodepth", "numjobs", "name"].map((name) => `/jobs/0/job options/${name}`),
  ...["usr_cpu", "sys_cpu", "ctx", "majf", "minf"].map((name) => `/jobs/0/${name}`),
  ...["read", "write"].flatMap((way) =>
    [
      ...["iops", "bw", "iops_stddev", "iops_min", "iops_max", "iops_mean", "iops_samples"],
      ...["bw_min", "bw_max", "bw_mean", "bw_dev", "bw_samples", "total_ios"],
      ...["lat_ns/mean", "lat_ns/stddev", "lat_ns/min", "lat_ns/max", "clat_ns/percentile"],
    ].map((name) => `/jobs/0/${way}/${name}`),
  ),
  ...["latency_us", "latency_ms", "latency_ns"].map((name) => `/jobs/0/${name}`),
];

test("fio-plot finds every key that it reads", () => {
  const at = (path: string): unknown =>
    path
      .slice(1)
      .split("/")
      .reduce<unknown>((value, key) => (value as Record<string, unknown>)?.[key], document);
  expect(OF_FIO_PLOT.filter((path) => at(path) === undefined)).toEqual([]);
});

const plot = Bun.which("fio-plot");
const WITHOUT = plot === null ? " (skipped: fio-plot is not in PATH)" : "";
test.skipIf(plot === null).each([
  ["bars by depth", ["-l", "-d", "1", "2", "4"]],
  ["bars by depth and jobs", ["-L", "-t", "iops", "-d", "1", "2", "4"]],
  ["bars by jobs", ["-N", "-d", "4"]],
  ["a histogram", ["-H", "-d", "4"]],
])(
  `fio-plot draws %s${WITHOUT}`,
  async (_, kind) => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-fio-plot-"));
    try {
      for (const iodepth of ["1", "2", "4"]) {
        const options = { ...run.options, iodepth };
        const one = fioDocument([fioJob({ ...run, options }, EMPTY)], 1_700_000_000_123, {});
        await Bun.write(join(folder, `${iodepth}.json`), JSON.stringify(one));
      }
      const words = ["-i", ".", "-T", "title", "-r", "randread", "-n", "1", "-o", "chart.png"];
      const ran = Bun.spawnSync([plot ?? "", ...words, ...kind], { cwd: folder });
      // It warns where a chart is narrow.
      expect(ran.stderr.toString()).not.toMatch(/Error|Traceback/);
      expect(ran.exitCode).toBe(0);
      expect(Bun.file(join(folder, "chart.png")).size).toBeGreaterThan(10_000);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  60_000,
);

test("figures are per second of the measured time", () => {
  const read = (fioJob(run, EMPTY) as { read: Record<string, unknown> }).read;
  expect(read).toMatchObject({
    iops: 2,
    bw_bytes: 8192,
    bw: 8,
    runtime: 2000,
    total_ios: 4,
    iops_min: 1,
    iops_max: 3,
    bw_mean: 8,
    bw_samples: 2,
  });
  expect(read["clat_ns"]).toMatchObject({ N: 4, min: 50_000, max: 900_000, mean: 270_000 });
});

test("the latency tables share out all commands", () => {
  const job = fioJob(run, EMPTY) as Record<string, Record<string, number>>;
  expect(job["latency_us"]).toMatchObject({ "50": 0, "100": 75, "1000": 25 });
  const all = ["latency_ns", "latency_us", "latency_ms"].flatMap((k) =>
    Object.values(job[k] ?? {}),
  );
  expect(all.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 9);
});

const fio = Bun.which("fio");
test.skipIf(fio === null)("no key of fio's own output is missing (needs fio)", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-fio-"));
  try {
    const made = Bun.spawnSync(
      [
        fio ?? "",
        "--name=one",
        "--ioengine=null",
        "--rw=randrw",
        "--size=1m",
        "--bs=4k",
        "--output-format=json+",
        "--output=o.json",
      ],
      { cwd: folder, stdout: "ignore", stderr: "ignore" },
    );
    expect(made.exitCode).toBe(0);
    const theirs = JSON.parse(readFileSync(join(folder, "o.json"), "utf8"));
    // Histogram bins and the user's options are data, not keys; disks are fio's own.
    const shape = (value: unknown) =>
      JSON.parse(
        JSON.stringify(value, (key, inner) =>
          key === "bins" || key === "job options" || key === "disk_util" ? 0 : inner,
        ),
      );
    const ours = new Set([...keys(shape(document)), ...keys(shape(fioJob(run, EMPTY)), "/job")]);
    const wanted = [...keys(shape({ ...theirs, jobs: 0 })), ...keys(shape(theirs.jobs[0]), "/job")];
    expect(wanted.filter((key) => !ours.has(key))).toEqual([]);
    expect(wanted.length).toBeGreaterThan(150);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const converter = Bun.which("fio_jsonplus_clat2csv");
test.skipIf(converter === null)(
  "fio_jsonplus_clat2csv reads and validates it (needs fio)",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-fio-"));
    try {
      await Bun.write(join(folder, "o.json"), JSON.stringify(document));
      for (const more of [[], ["--validate"]]) {
        const ran = Bun.spawnSync([converter ?? "", "o.json", "o.csv", ...more], { cwd: folder });
        // The converter is a Python script and wants the module six.
        if (ran.stderr.toString().includes("No module named")) {
          console.log("skipped: fio_jsonplus_clat2csv lacks a Python module here");
          return;
        }
        expect(ran.stderr.toString()).toBe("");
        expect(ran.exitCode).toBe(0);
      }
      const lines = (await Bun.file(join(folder, "o_job0.csv")).text()).trim().split("\n");
      const column = (lines[0] ?? "").split(", ").indexOf("read_clat_ns_count");
      const counts = lines.slice(1).map((line) => Number(line.split(",")[column]));
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(4);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
