import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../words/failure.ts";
import { cellsOf, loadJob, parseJob, showJob } from "./job.ts";
import type { Job } from "./resolved.ts";

const TEXT = `
[global]
bs = "8k"
iodepth = 4
[one]
pool = ["fixed", "scan-swap"]
service = { fast = "", slow = "lanes:4,delay:1ms" }
[two]
iodepth = [1, 2, 3]
`;

test("[global] is inherited, a job overrides it, --set overrides both, the rest is the default", () => {
  const job = parseJob(TEXT, "j.toml", ["rw=write|read", "bs=512"]);
  const [one, two] = job.jobs;
  expect(one?.values.iodepth).toEqual({
    origin: "global",
    choices: [{ label: "4", text: "4", value: 4 }],
  });
  expect(two?.values.iodepth.origin).toBe("job");
  expect(two?.values.bs).toEqual({
    origin: "set",
    choices: [{ label: "512", text: "512", value: 512 }],
  });
  expect(two?.values.rw.choices.map(({ text }) => text)).toEqual(["write", "read"]);
  expect(two?.values.kick).toEqual({
    origin: "default",
    choices: [{ label: "100ms", text: "100ms", value: 100e6 }],
  });
});

test("lists make a matrix, and only what varies is an axis", () => {
  const [one, two] = parseJob(TEXT, "j.toml").jobs;
  if (one === undefined || two === undefined) throw new Error("two jobs");
  expect(cellsOf(one).map(({ axes }) => axes)).toEqual([
    { service: "fast", pool: "fixed" },
    { service: "fast", pool: "scan-swap" },
    { service: "slow", pool: "fixed" },
    { service: "slow", pool: "scan-swap" },
  ]);
  expect(cellsOf(one)[2]?.values).toMatchObject({
    service: "lanes:4,delay:1ms",
    bs: 8192,
    rw: "randread",
  });
  expect(cellsOf(two).map(({ values }) => values.iodepth)).toEqual([1, 2, 3]);
});

test("what --show prints is a job file that resolves to itself", () => {
  const job = parseJob(TEXT, "j.toml", ["kick=1ms"]);
  const again = parseJob(showJob(job), "j.toml");
  const texts = (of: Job) => of.jobs.flatMap(cellsOf).map((cell) => cell.texts);
  expect(texts(again)).toEqual(texts(job));
  expect(showJob(job)).toContain('kick = "1ms" # set');
  expect(showJob(job)).toContain('bs = "8k" # global');
});

test("the jobs of fixtures are jobs", async () => {
  const folder = join(import.meta.dir, "../../fixtures/jobs");
  const files = readdirSync(folder);
  expect(files).toContain("late.toml");
  for (const file of files) {
    const { jobs } = await loadJob(join(folder, file), []);
    expect([file, jobs.flatMap(cellsOf).length > 0]).toEqual([file, true]);
  }
});

describe("a fault is one sentence with file, key, rule and what was found", () => {
  const sentence = (text: string, sets: string[] = []): string => {
    try {
      parseJob(text, "j.toml", sets);
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).exitCode).toBe(2);
      expect((error as Failure).message).not.toContain("\n");
      return (error as Failure).message;
    }
    return "no fault";
  };

  test.each([
    [
      "[a]\niodepth = 0",
      "j.toml [a]: Expected `iodepth` to be an integer between 1 and 65536, got `0`",
    ],
    ['[a]\nbs = ["4k", "4q"]', "j.toml [a]: Expected `bs` to be a size"],
    ["[a]\nruntime = 3", "j.toml [a]: Expected `runtime` to be a duration"],
    ["[a]\nbs = true", "j.toml [a]: Expected `bs` to be a value, a list of values or a table"],
    ["[a]\nbs = []", "Expected `bs` to be a list of at least one value, got `[]`"],
    ["[a]\nzebra = 1", "j.toml [a]: Expected a key of a job (mtu link"],
    [
      "[a]\niodeth = 1",
      "j.toml [a]: Expected a key of a job, got `iodeth`: did you mean `iodepth`?",
    ],
    [
      '[a]\nthresholds = ["lat.99<1ms"]',
      "Expected `thresholds` to begin with a metric, got `lat.99`: did you mean `lat.p99`?",
    ],
    ["[a]\ntrials = [1, 2]", "j.toml [a]: Expected `trials` to be a single value"],
    [
      "[a]\ntrials = 1\n[b]\ntrials = 2",
      "Expected `trials` to be the same in all jobs, got `1, 2`",
    ],
    [
      '[a]\nreclaim = "coalesce:64"',
      "Expected `reclaim` to be coalesce:N/T, a number of frames and a duration",
    ],
    [
      '[a]\nkick = "never"',
      "Expected `kick` to be a duration > 0 with a unit (us, ms, s), or on-release, got `never`",
    ],
    ['[a]\nservice = "warp:9"', "j.toml [a]: `service` knows no service model `warp`"],
    ['[a]\npool = "magic"', "Expected `pool` to be one of fixed, scan-swap"],
    ["[global]\nbs = 512", "Expected the file to have at least one job section"],
    ["bs = 512\n[a]", "Expected `bs` to stand in a section"],
    ["# one\n[a]\nbs = [\n1,\n2]\nrw = oops\niodepth = 1", "j.toml line 6: Expected TOML, got: "],
  ])("%j", (text, wanted) => {
    expect(sentence(text)).toContain(wanted);
    expect(sentence(text)).toContain("j.toml");
  });

  test("--set names itself", () => {
    expect(sentence("[a]", ["bs"])).toBe("Expected `--set` to be key=value, got `bs`");
    expect(sentence("[a]", ["nokey=1"])).toStartWith("--set: Expected a key of a job");
    expect(sentence("[a]", ["runtme=1s"])).toBe(
      "--set: Expected a key of a job, got `runtme`: did you mean `runtime`?",
    );
    expect(sentence("[a]", ["bs=x"])).toStartWith("--set: Expected `bs` to be a size");
  });

  test("a file in Latin-1", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-job-"));
    try {
      const path = join(folder, "j.toml");
      writeFileSync(path, Buffer.from('[a]\nservice = { "\xe9" = "" }\n', "latin1"));
      await expect(loadJob(path, [])).rejects.toThrow(
        `${path} line 2, byte 14: Expected UTF-8, got byte 0xe9`,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a file that is not there", async () => {
    await expect(loadJob("/nonexistent/j.toml", [])).rejects.toThrow(
      "Can't read the job file /nonexistent/j.toml: no such file or directory",
    );
  });
});
