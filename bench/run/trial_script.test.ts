// What a trial's load is told of the way that its frames take.

import { expect, test } from "bun:test";
import { cellsOf, parseJob } from "../job/job.ts";
import { placesOf } from "./trial_lines.ts";
import { trialScript } from "./trial_script.ts";

/** The words of the load's line, for a job with these keys. */
function loadWords(...keys: string[]): string[][] {
  return lineWords("'bench' 'load'", ...keys);
}

/** The words of the line that has `mark` in it. */
function lineWords(mark: string, ...keys: string[]): string[][] {
  const [job] = parseJob(`[a]\n${keys.join("\n")}`, "j.toml").jobs;
  return (job === undefined ? [] : cellsOf(job)).map((cell) => {
    const script = trialScript({
      cell,
      places: placesOf(cell),
      folder: "/f",
      program: "/aoe.ts",
      images: ["/image"],
      nullTarget: "/null.ts",
      statsAtEnd: true,
      pinning: { target: 0, load: 1 },
    });
    const line = script.split("\n").find((one) => one.includes(mark)) ?? "";
    return [...line.matchAll(/'([^']*)'/g)].map(([, word = ""]) => word);
  });
}

const SOCKETS = ["--link", "--transmit-interface", "--late", "--write-lane", "--lane-ring"];

test("as usual nothing of it: `bench ab` runs revisions that know less", () => {
  const [words = []] = loadWords();
  expect(words.slice(2, 8)).toEqual(["bench", "load", "e7.3", "--interface", "a0", "--json"]);
  for (const option of [...SOCKETS, "--receive-ring"]) expect(words).not.toContain(option);
});

test("the late lab: t0 transmits, and the plan goes with the load", () => {
  const [plain = [], late = []] = loadWords('link = "ring"', 'late = ["", "pulse:5ms/20ms"]');
  expect(plain.join(" ")).toContain("--json --link ring --runtime 1s");
  expect(late.join(" ")).toContain(
    "--interface a0 --json --link ring --transmit-interface t0 --runtime 1s --ramp-time 200ms --late pulse:5ms/20ms --pool completion",
  );
});

test("the lane's ring goes with the lane", () => {
  const keys = ['write_lane = ["off", "on"]', 'receive_ring = "64k"', 'lane_ring = "256k"'];
  const [off = [], on = []] = loadWords(...keys);
  expect(off.join(" ")).toContain("--receive-ring 64k --pool");
  expect(on.join(" ")).toContain("--write-lane --receive-ring 64k --lane-ring 256k --pool");
});

test("a target that runs already is told the cell's service model first", () => {
  const there = ['interface = "eth1"', 'target = "e7.3"'];
  const control = ['target_control = "/run/t"', 'service = ["", "delay:1ms"]'];
  const told = lineWords("'ctl'", ...there, ...control).map((words) => words.slice(2));
  const before = ["target", "ctl", "--socket", "/run/t", "service", "e7.3"];
  expect(told).toEqual([
    [...before, ""],
    [...before, "delay:1ms"],
  ]);
  expect(lineWords("'ctl'", ...there)).toEqual([[]]);
});
