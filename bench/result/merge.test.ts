// Results made by hand, merged: as many trials as both had, judged again; and what can't be merged.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseJob } from "../job/job.ts";
import { mergeResults } from "./merge.ts";
import type { RunResult } from "./result.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { AOE } from "../../lab/programs.ts";

const JOB = parseJob(
  '[pools]\npool = ["fixed", "completion"]\nthresholds = ["iops>=200"]',
  "j.toml",
);
let day = 0;
/** Each begins on a day of its own. */
const run = (...rates: number[]): RunResult =>
  sampleRun(JOB, () => rates.map((iops) => ({ iops })), { started_at: `2026-01-0${++day}` });

test("trials stand behind each other, and median and thresholds are theirs", () => {
  const [early, late] = [run(100, 110), run(300, 310, 320)];
  const merged = mergeResults([early, late]);
  expect(early.cells.map((cell) => cell.thresholds[0]?.held)).toEqual([false, false]);
  for (const cell of merged.cells) {
    expect(cell.trials.map(({ figures }) => figures?.iops)).toEqual([100, 110, 300, 310, 320]);
    expect(cell.median?.iops).toBe(300);
    expect(cell.thresholds[0]).toMatchObject({ value: 300, held: true });
  }
  // Those of the second result come after all of the first's.
  const orders = merged.cells.map(({ trials }) => trials.map(({ order }) => order));
  expect(orders).toEqual([
    [0, 1, 4, 5, 6],
    [0, 1, 4, 5, 6],
  ]);
  expect(merged.elapsed_ns).toBe(early.elapsed_ns + late.elapsed_ns);
  expect(merged.job).toEqual(early.job);
});

test("a result of another revision, machine or job is refused", () => {
  const one = run(1, 2);
  const with_ = (more: Partial<RunResult["provenance"]>): RunResult => ({
    ...run(1, 2),
    provenance: { ...one.provenance, ...more },
  });
  expect(() => mergeResults([one, with_({ git_revision: "abc" })])).toThrow(
    /^The results can't be merged: they differ in git_revision /,
  );
  expect(() => mergeResults([one, with_({ machine: "ffffffff" })])).toThrow("the machine");
  const other = sampleRun(parseJob('[pools]\npool = ["fixed"]', "j.toml"), () => [{}]);
  expect(() => mergeResults([one, other])).toThrow("the key `pool` (");
  expect(() => mergeResults([one, run(1, 2), one])).toThrow(
    "Expected results of different runs to merge, got one of them twice",
  );
  expect(() => mergeResults([one])).toThrow("Expected at least two results to merge, got 1");
});

test("the command writes a result that can be compared", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-merge-"));
  try {
    await Bun.write(join(folder, "a.json"), JSON.stringify(run(300, 301)));
    await Bun.write(join(folder, "b.json"), JSON.stringify(run(302, 303)));
    const aoe = (...words: string[]) =>
      Bun.spawnSync([process.execPath, AOE, "bench", ...words], { cwd: folder, stdin: "ignore" });
    const merged = aoe("merge", "a.json", "b.json", "-o", "c.json");
    expect([merged.exitCode, merged.stderr.toString()]).toEqual([0, ""]);
    expect(merged.stdout.toString()).toContain("8 trials in ");
    const compared = aoe("compare", "c.json", "c.json", "--band", "5%");
    expect([compared.exitCode, compared.stdout.toString().includes("4+4")]).toEqual([0, true]);
    const alone = aoe("merge", "a.json", "-o", "c.json");
    expect([alone.exitCode, alone.stderr.toString()]).toEqual([
      2,
      "Expected at least two results to merge, got 1\n",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
