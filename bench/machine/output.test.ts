// What can't be written is told before anything runs, and what is no plain file stays what it is.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkOutput, writeOutput } from "./output.ts";
import { AOE } from "../../lab/programs.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-output-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a folder, a missing folder and a file for a folder are refused, each in one sentence", () => {
  writeFileSync(join(folder, "file"), "");
  for (const path of ["", "absent/x.json", "file/x.json"]) {
    const whole = join(folder, path);
    expect(() => checkOutput(whole)).toThrow(`Can't write ${whole}: `);
  }
  checkOutput(join(folder, "new.json"));
  checkOutput(join(folder, "file"));
  checkOutput(undefined);
});

test("nothing is made by asking, and a device or a link is written through, not replaced", () => {
  const path = join(folder, "other.json");
  checkOutput(path);
  expect(() => statSync(path)).toThrow();
  symlinkSync(path, join(folder, "link"));
  writeOutput(join(folder, "link"), "text");
  expect(readFileSync(path, "utf8")).toBe("text");
  writeOutput("/dev/null", "text");
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
});

const RESULT = join(import.meta.dir, "../../fixtures/results/report.json");
const PEERS = join(import.meta.dir, "../../fixtures/results/peers.json");
const JOBS = join(import.meta.dir, "../../fixtures/jobs");
test.each([
  [["run", join(JOBS, "demo.toml"), "-o"]],
  [["reproduce", "-o"]],
  [["ab", "HEAD", "-o"]],
  [["whole", "-o"]],
  [["growth", "-o"]],
  [["peers", "-o"]],
  [["peers", PEERS, "-o"]],
  [["merge", RESULT, RESULT, "-o"]],
  [["report", RESULT, "-o"]],
  [["load", "e7.3", "--interface", "lo", "--hgrm"]],
  [["load", "e7.3", "--interface", "lo", "--hlog"]],
  [["load", "e7.3", "--interface", "lo", "--trace"]],
])("bench %j says so at once", (words) => {
  // A name that `report` can tell a form by.
  const path = join(folder, "absent", "x.html");
  const child = Bun.spawnSync([process.execPath, AOE, "bench", ...words, path], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(child.stderr.toString()).toStartWith(`Can't write ${path}: no such file or directory`);
  expect([child.exitCode, child.stdout.toString()]).toEqual([5, ""]);
  expect(child.stderr.toString().trim().split("\n").length).toBe(1);
});

test("where the result's disk turns out to be full, the run's figures are shown all the same", () => {
  const quick = ["link=virtual", "pool=completion", "runtime=1ms", "ramp_time=0s", "warm_up=0s"];
  const sets = [...quick, "floor=off", "image_size=1m"].flatMap((set) => ["--set", set]);
  const words = ["bench", "run", join(JOBS, "smoke.toml"), ...sets, "-o", "/dev/full"];
  const child = Bun.spawnSync([process.execPath, AOE, ...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  expect(child.stderr.toString()).toContain("Can't write /dev/full: no space is left there");
  expect(child.stdout.toString()).toContain("over the VIRTUAL CLOCK");
  expect(child.exitCode).toBe(5);
});
