// Each export read by what its tool has published: the schema of Bencher's format, the example of
// github-action-benchmark's page, JUnit's elements, GitHub's workflow commands.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { AOE } from "../../lab/programs.ts";
import { ownFile } from "../../sys/root.ts";
import { runChild } from "../machine/child.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-export-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const RUN = join(folder, "run.json");
const CLAIMS = join(folder, "claims.json");
const AB = join(folder, "ab.json");
const SUMMARY = join(folder, "summary.md");

const result = JSON.parse(readFileSync(ownFile("fixtures/results/report.json"), "utf8"));
const [cell] = result.cells;
cell.thresholds = [
  { threshold: "lat.p99<2ms", value: 1, shown: "1 ns", held: true },
  { threshold: "iops>=50000", value: 9, shown: "9", held: false },
];
writeFileSync(RUN, JSON.stringify(result));
const claim = (id: string, verdict: string) => ({
  ...{
    id,
    claim: "a <claim>",
    verdict,
    sentence: '50 % of "it"',
    how: "",
    figures: [],
  },
});
const { provenance } = result;
writeFileSync(
  CLAIMS,
  JSON.stringify({
    ...{ schema_version: 2, kind: "aoe bench reproduce", started_at: "", provenance, runs: {} },
    claims: [claim("E1", "holds"), claim("E2", "does not hold"), claim("E3", "inconclusive")],
  }),
);
writeFileSync(
  AB,
  JSON.stringify({
    ...{ schema_version: 2, kind: "aoe bench ab", verdict: "worse" },
    said: { exact: "worse", cost: "inconclusive", micro: "same" },
    exact: { sentence: "1 of 2 rows differ.", differences: ["worse: fixed: dry 0 → 1"] },
  }),
);

async function exported(file: string, format: string): Promise<string> {
  const words = [process.execPath, AOE, "bench", "export", file, "--format", format];
  const env = { ...process.env, GITHUB_STEP_SUMMARY: SUMMARY };
  const { code, stdout, stderr } = await runChild(words, { env });
  expect(`${code} ${stderr}`).toBe("0 ");
  return stdout;
}

test("bmf is what Bencher's schema asks for", async () => {
  const Metric = v.object({
    value: v.number(),
    lower_value: v.optional(v.number()),
    upper_value: v.optional(v.number()),
  });
  const Bmf = v.record(v.string(), v.record(v.string(), Metric));
  const all = v.parse(Bmf, JSON.parse(await exported(RUN, "bmf")));
  expect(Object.keys(all).length).toBe(result.cells.length);
  for (const { throughput, latency } of Object.values(all)) {
    expect(throughput?.lower_value).toBeLessThanOrEqual(throughput?.value ?? Number.NaN);
    expect(latency?.upper_value).toBeGreaterThanOrEqual(latency?.value ?? Number.NaN);
  }
});

test("github-benchmark is a list as customSmallerIsBetter has it", async () => {
  const Entry = v.object({
    name: v.string(),
    unit: v.string(),
    value: v.number(),
    range: v.optional(v.string()),
    extra: v.optional(v.string()),
  });
  const all = v.parse(v.array(Entry), JSON.parse(await exported(RUN, "github-benchmark")));
  const names = all.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names.some((name) => name.endsWith(": latency-p99"))).toBe(true);
  // A rate is better when it is larger.
  expect(names.some((name) => name.includes("throughput"))).toBe(false);
});

/** How often each element stands in it, and whether all that is opened is closed. */
function elementsOf(text: string): Record<string, number> {
  const counts: Record<string, number> = {};
  const open: string[] = [];
  const tags = /<(\/?)([a-z]+)((?: [a-z]+="[^"<>]*")*)(\/?)>/g;
  const rest = text.replace(/^<\?xml .*\?>/, "").replaceAll(tags, (_, end, name, __, empty) => {
    if (end === "/") expect(open.pop()).toBe(name);
    else {
      counts[name] = (counts[name] ?? 0) + 1;
      if (empty === "") open.push(name);
    }
    return "";
  });
  expect([open, rest.trim()]).toEqual([[], ""]);
  return counts;
}

test("junit has a case for each threshold and claim", async () => {
  const ofRun = await exported(RUN, "junit");
  expect(elementsOf(ofRun)).toMatchObject({ testsuite: 1, failure: 1 });
  expect(ofRun).toContain("lat.p99&lt;2ms");
  const ofClaims = await exported(CLAIMS, "junit");
  expect(elementsOf(ofClaims)).toEqual({
    ...{ testsuites: 1, testsuite: 1, testcase: 3, failure: 1, skipped: 1 },
  });
  expect(ofClaims).toContain('tests="3" failures="1" skipped="1"');
});

test("github prints workflow commands, and appends a summary", async () => {
  const lines = (await exported(CLAIMS, "github")).trimEnd().split("\n");
  expect(lines).toEqual([
    '::error title=E2 a <claim>::E2: 50 %25 of "it"',
    '::warning title=E3 a <claim>::E3: 50 %25 of "it"',
    "::notice title=aoe bench::1 of 3 conditions met",
  ]);
  const ab = await exported(AB, "github");
  expect(ab).toContain("::error title=exact::exact: 1 of 2 rows differ.\n");
  expect(ab).toContain("::warning title=cost::");
  await exported(RUN, "github");
  const summary = readFileSync(SUMMARY, "utf8");
  for (const title of ["aoe bench reproduce", "aoe bench: ab", "aoe bench run"]) {
    expect(summary).toContain(`### ${title}\n`);
  }
  expect(summary).toContain("| fixed | worse | dry 0 → 1 |\n");
});

test("another format is one sentence", async () => {
  const run = await runChild([process.execPath, AOE, "bench", "export", RUN, "--format", "csv"]);
  expect(run.stderr).toContain("Expected `--format` to be one of bmf, github-benchmark, junit");
  expect(run.code).toBe(2);
});

test("the workflow's words are options of this program", () => {
  const text = readFileSync(ownFile(".github/workflows/pool.yml"), "utf8");
  const steps = Bun.YAML.parse(text) as { jobs: Record<string, { steps: { run?: string }[] }> };
  const lines = Object.values(steps.jobs).flatMap((job) =>
    job.steps.flatMap(({ run = "" }) => run.split("\n").filter((line) => line.includes("aoe"))),
  );
  expect(lines.length).toBe(8);
  for (const line of lines) expect(line).toMatch(/^npx aoe bench (ab|export|run) /);
});
