// The searches: exact where the answer is known, and on the real pool under the virtual clock, where it is 48.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { AOE } from "../../../lab/programs.ts";
import { highest, least } from "./search.ts";
import { runChild } from "../../machine/child.ts";

const SMOKE = join(import.meta.dir, "../../../fixtures/jobs/smoke.toml");

test.each([0, 1, 47, 48, 255, 256])(
  "least: %d, in at most 9 steps of 257 values",
  async (wanted) => {
    const found = await least(256, async (value) => ({ figure: value, enough: value >= wanted }));
    expect(found.value).toBe(wanted);
    expect(found.steps.length).toBeLessThanOrEqual(9);
  },
);

test("highest: to its grain, none where nothing will do, the end where all will", async () => {
  const under = (limit: number) => async (value: number) => ({
    figure: value,
    enough: value <= limit,
  });
  const found = await highest(1000, 1e7, 0.02, under(37_000));
  expect(found.value).toBeLessThanOrEqual(37_000);
  expect(found.value).toBeGreaterThan(37_000 * 0.97);
  expect((await highest(1000, 1e7, 0.02, under(10))).value).toBeNull();
  expect((await highest(1000, 8000, 0.02, under(1e9))).value).toBe(8000);
});

const EXACT = [
  "link=virtual",
  "warm_up=1ms",
  "ramp_time=5ms",
  "runtime=8ms",
  "store=null",
  "image_size=64k",
];

async function search(...words: string[]) {
  const sets = EXACT.flatMap((set) => ["--set", set]);
  const {
    code,
    stdout: out,
    stderr: err,
  } = await runChild([process.execPath, AOE, "bench", "search", ...words, ...sets, "--json"]);
  return { code, out, err };
}

test("the smallest cap that keeps the peak is the knee of E2: 48", async () => {
  const { code, out, err } = await search("cap", SMOKE, "--most", "63", "--set", "pool=scan-swap");
  expect(`${code} ${code === 0 ? "" : err}`).toBe("0 ");
  expect(JSON.parse(out)).toMatchObject({ kind: "aoe bench search", what: "cap", value: 48 });
}, 90_000);

test.each([
  [["speed", SMOKE], "Expected `<what>` to be cap or rate, got `speed`"],
  [
    ["cap", SMOKE],
    "Expected a job of one cell to search in, got 1 job that vary pool (--set fixes a key)",
  ],
  [
    ["rate", SMOKE, "--set", "pool=fixed"],
    "Expected `--p99` to give the limit of a search for a rate, such as 2ms",
  ],
  [
    ["rate", SMOKE, "--set", "pool=fixed", "--p99", "0us"],
    "Expected `--p99` to be a duration above 0, got `0us`",
  ],
])("%j is one sentence and exit code 2", async (words, sentence) => {
  const { code, out, err } = await search(...words);
  expect(err.trim()).toBe(sentence);
  expect([code, out]).toEqual([2, ""]);
});
