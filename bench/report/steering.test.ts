// A result file whose texts hold what steers a terminal: no command that reads it lets any of it through, in
// text, JSON, Markdown, HTML, SVG or a sentence that refuses it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printableLines } from "../../words/printable.ts";
import { parseJob } from "../job/job.ts";
import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { AOE } from "../../lab/programs.ts";
import { evilResult } from "../../testing/doubles/small_result.ts";

const STEERS = "\u001b]0;owned\u0007\u001b[2J\u009b2J\u202e\r\n\u2028";
const MARK = "owned";

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aoe-steering-"));
  const job = parseJob('[a]\npool = ["fixed", "scan-swap"]', "j.toml");
  const trials = Array.from({ length: 7 }, (_, at) => ({ iops: 40_000 + at }));
  const result = evilResult(
    sampleRun(job, () => trials),
    STEERS,
  );
  await Bun.write(join(folder, "evil.json"), JSON.stringify(result));
  const later = { ...result, started_at: "2026-01-02T00:00:00.000Z" };
  await Bun.write(join(folder, "later.json"), JSON.stringify(later));
  await Bun.write(join(folder, "kind.json"), JSON.stringify({ schema_version: 1, kind: STEERS }));
  const broken = { ...result, cells: [{ ...result.cells[0], axes: { [STEERS]: 1 } }] };
  await Bun.write(join(folder, "broken.json"), JSON.stringify(broken));
  const other = { ...result, provenance: { ...result.provenance, kernel: `${STEERS}2` } };
  await Bun.write(join(folder, "other.json"), JSON.stringify(other));
  await Bun.write(join(folder, "job.toml"), `["${"\\u001b"}[2J${MARK}"]\npool = "${MARK}"\n`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What it says on both, and what it wrote. */
function said(words: string): string {
  const run = Bun.spawnSync([process.execPath, AOE, "bench", ...words.split(" ")], {
    cwd: folder,
    env: { ...process.env, AOE_BENCH_STATE: folder },
    stdin: "ignore",
  });
  return run.stdout.toString() + run.stderr.toString();
}

test.each([
  "compare evil.json later.json",
  "compare evil.json later.json --json",
  "compare evil.json other.json",
  "compare evil.json kind.json",
  "compare evil.json broken.json",
  "merge evil.json later.json -o merged.json",
  "report evil.json --format markdown",
  "report evil.json --section throughput --format svg",
  "report evil.json",
  "report kind.json",
  "run job.toml",
  "peers kind.json",
  "growth kind.json",
])("aoe bench %s", (words) => {
  const text = said(words);
  // A page has its libraries in it, with a soft hyphen of their own.
  const isPage = words === "report evil.json";
  if (isPage) for (const mark of "\u001b\u009b\u202e\u2028") expect(text).not.toContain(mark);
  else expect(text).toBe(printableLines(text));
  if (!/^(peers|growth)/.test(words)) expect(text).toContain(MARK);
});

test("a result made of it has none of it", () => {
  said("merge evil.json later.json -o merged.json");
  const text = readFileSync(join(folder, "merged.json"), "utf8");
  expect(text).toContain(MARK);
  expect(text).toBe(printableLines(text));
});
