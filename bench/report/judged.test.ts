// A report of `ab` and of `compare`: from the files that these write to a page's words and a pull
// request's Markdown.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "bun:test";

import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { printableJson } from "../../words/printable.ts";
import { parseJob } from "../job/job.ts";
import { AB } from "../judge/judged_file.ts";
import { judgeResults } from "../judge/judge_results.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { RunResult } from "../result/result.ts";
import { compose } from "./compose.ts";
import { reportMarkdown } from "./markdown.ts";
import { readMaterial } from "./read_material.ts";
import type { Report, Section } from "./report.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-judged-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const JOB = parseJob('[pools]\npool = ["scan-swap", "completion"]\ntrials = 9', "j.toml");
const BAND = { band: "5%" };

/** Nine trials about 40,000 IOPS, `share` of it in the pools that `pools` names. */
function run(share: number, pools: readonly string[] = ["scan-swap", "completion"]): RunResult {
  return sampleRun(JOB, ({ texts }) =>
    Array.from({ length: 9 }, (_, at) => ({
      iops: (40_000 + 10 * at) * (pools.includes(texts.pool) ? share : 1),
    })),
  );
}

function reportOf(name: string, content: unknown): Report {
  const path = join(folder, `${name}.json`);
  writeFileSync(path, printableJson(content));
  return compose(readMaterial([path]));
}

function sectionOf({ sections }: Report, id: string): Section {
  const found = sections.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no section ${id}`);
  return found;
}

function ab(head: RunResult, own: object = {}) {
  const base = run(1);
  const comparison = judgeResults(base, head, BAND);
  const control = judgeResults(base, base, BAND);
  return {
    ...{ schema_version: SCHEMA_VERSION, kind: AB, cut_short: false, failed_trials: 0 },
    ...{ base: "a".repeat(40), head: "b".repeat(40), verdict: comparison.verdict },
    said: { exact: "same", sockets: comparison.verdict },
    exact: { verdict: "same", sentence: "All 450 rows are equal.", rows: 450, differences: [] },
    ...{ micro: null, cost: null },
    sockets: { comparison, control, results: [base, base, head] },
    ...own,
  };
}

test("ab says on top what the change did, and lists the judges, the worst first", () => {
  const report = reportOf("slower", ab(run(0.9)));
  const [top] = report.sections;
  expect(top).toMatchObject({ id: "verdict", verdict: "worse" });
  expect(top?.finding).toStartWith(
    "The head is worse. Throughput is 10.0 % lower in the head over 2 rows (",
  );
  expect(top?.verdicts.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["sockets", "worse"],
    ["exact", "same"],
  ]);
  expect(report.subtitle).toBe("base aaaaaaaaaaaa, head bbbbbbbbbbbb, 2026-01-01");
  // Base and head in one row, each with its trials.
  const [ratios, both] = sectionOf(report, "sockets").charts;
  const rows = both?.kind === "intervals" ? both.rows : [];
  expect(rows.map(({ spreads }) => spreads.map(({ values }) => values.length))).toEqual([
    [9, 9],
    [9, 9],
  ]);
  expect(ratios?.kind === "intervals" ? ratios.rows.map(({ colour }) => colour) : []).toEqual([
    "bad",
    "bad",
    "bad",
  ]);
});

test("equal revisions are the same by every judge; a control that differs decides nothing", () => {
  expect(reportOf("equal", ab(run(1))).sections[0]).toMatchObject({
    verdict: "same",
    finding: "The head is the same as the base, by exact and sockets.",
  });
  const noisy = ab(run(0.9));
  const control = judgeResults(run(1), run(0.9), BAND);
  const sockets = { ...noisy.sockets, control };
  const said = { exact: "same", sockets: "inconclusive" };
  const report = reportOf("noisy", { ...noisy, verdict: "inconclusive", said, sockets });
  expect(report.sections[0]?.finding).toStartWith(
    "Not decided by sockets. The same by exact. Throughput is 10.0 % lower in the head",
  );
  expect(report.sections[0]?.verdicts[0]?.sentence).toContain("the base differs from itself");
});

test("a broken head is told as broken, with the rows that show it", () => {
  const exact = {
    verdict: "broken",
    sentence: "broken invariant in the head: 1 of 450 rows.",
    rows: 450,
    differences: ["broken: fixed 5us: allocations 17, cap 16"],
  };
  const said = { exact: "worse", sockets: "same" };
  const report = reportOf("broken", ab(run(1), { verdict: "worse", said, exact }));
  expect(report.sections[0]?.finding).toBe("The head is broken: 1 of 450 rows.");
  expect(report.sections[0]?.verdicts[0]).toMatchObject({ id: "exact", verdict: "broken" });
  expect(sectionOf(report, "exact").table?.rows).toEqual([
    ["fixed 5us", "broken", "allocations 17, cap 16"],
  ]);
});

test("a broken invariant is told in words, and that nobody else was asked", () => {
  const cell = "strategy scan-swap, cap 16, delay 5us, lanes 1, reclaim eager";
  const rule = "created ≤ preallocated + cap (16)";
  const sentence = `broken invariant in the head: ${cell}: invariant: ${rule}`;
  const exact = { verdict: "broken", sentence, rows: 0, differences: [] };
  const cause = `as one does that loses buffers or ignores its cap (${rule} does not hold)`;
  const own = { verdict: "worse", said: { exact: "worse" }, exact, sockets: null };
  const report = reportOf("leaking", ab(run(1), own));
  expect(report.sections[0]).toMatchObject({
    verdict: "broken",
    finding: `The head is broken: scan-swap makes more buffers than it may, ${cause}.`,
    notes: ["Of a broken head no other judge is asked: its price says nothing."],
  });
  expect(report.sections.map(({ id }) => id)).toEqual(["verdict", "apart"]);
});

test("what is not decided says how small a difference can be seen here", () => {
  const wide = sampleRun(JOB, () =>
    Array.from({ length: 9 }, (_, at) => ({ iops: 40_000 + 1500 * ((at * 7) % 9) })),
  );
  const comparison = judgeResults(wide, wide, BAND);
  const said = { sockets: comparison.verdict };
  const sockets = { comparison, control: comparison, results: [] };
  const own = { verdict: "inconclusive", said, exact: null, sockets };
  const [top] = reportOf("wide", ab(run(1), own)).sections;
  expect(top?.finding).toMatch(
    /^Not decided by sockets\. Throughput is .*: that decides nothing\.$/,
  );
  expect(top?.verdicts[0]?.sentence).toMatch(
    /decides nothing\. The base beside itself is at [\d.]+ % to [\d.]+ %: a smaller difference/,
  );
});

test("compare has its verdict, its rows, and what tells base and head apart", () => {
  const head = run(0.9, ["completion"]);
  const provenance = { ...head.provenance, git_revision: "1111111" };
  const comparison = judgeResults(run(1), { ...head, provenance }, BAND);
  const report = reportOf("compared", comparison);
  expect(report.sections.map(({ id, verdict }) => [id, verdict])).toEqual([
    ["verdict", "worse"],
    ["apart", null],
  ]);
  expect(report.sections[0]?.finding).toEndWith("; worse in completion.");
  expect(sectionOf(report, "apart").table?.rows).toEqual([["revision", "0000000", "1111111"]]);
});

test("a comparison without a row has no charts and no table", () => {
  const other = sampleRun(parseJob('[pools]\npool = "fixed"', "j.toml"), () => [{}]);
  const judged = judgeResults(run(1), other, { ...BAND, anyway: true });
  const report = reportOf("nothing", judged);
  expect(sectionOf(report, "verdict")).toMatchObject({ charts: [], table: null });
  expect(sectionOf(report, "verdict").notes.join(" ")).toContain("the key `pool`");
});

test("what never ended comes back from its file as without end", () => {
  const never = sampleRun(JOB, () => Array.from({ length: 9 }, () => ({ lat_p99_ns: null })));
  const report = reportOf("never", judgeResults(run(1), never, { ...BAND, metric: "lat.p99" }));
  expect(report.sections[0]?.verdict).toBe("worse");
  expect(report.sections[0]?.table?.rows[0]?.slice(3, 5)).toEqual(["–", "∞"]);
  expect(JSON.stringify(report)).not.toMatch(/NaN|Infinity/);
});

test("Markdown of an ab is verdict, table of judges, and all else folded", () => {
  const text = reportMarkdown(reportOf("markdown", ab(run(0.9))));
  const [open = "", ...folded] = text.split("<details>");
  expect(open).toContain("**❌ WORSE** The head is worse. Throughput");
  expect(open).toContain("| sockets | ❌ worse | Throughput is 10.0 % lower");
  expect(open.split("\n").filter((line) => line.startsWith("| ")).length).toBe(4);
  expect(folded.map((one) => /<summary>(.*?):/.exec(one)?.[1])).toEqual([
    "Judge sockets",
    "Where base and head differ",
    "Throughput",
    "Latency",
    "First screen",
  ]);
  expect(folded[0]).toContain("| scan-swap | worse | 40,040 | 36,036 | 90.0 % |");
});
