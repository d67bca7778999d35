// A report's words, figures and files, from a real result of the simulator.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { DOMParser } from "linkedom";
import type { RunResult } from "../result/result.ts";
import { AOE } from "../../lab/programs.ts";
import { compose } from "./compose.ts";
import { logTicks } from "./draw/canvas.ts";
import { reportHtml } from "./html.ts";
import { NO_MATERIAL } from "./read_material.ts";
import { reportMarkdown } from "./markdown.ts";
import type { Report, Section, Table } from "./report.ts";
import { REPRODUCTION } from "../claims/reproduction.ts";
import { kneeOf } from "../result/knee.ts";
import { EVIL, evilResult, materialOf, smallResult } from "../../testing/doubles/small_result.ts";
import { sectionSvg } from "./svg.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import { shownShare, shownTime } from "../../words/shown.ts";

let folder = "";
let result: RunResult;
let report: Report;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "aoe-report-"));
  result = await smallResult();
  report = compose(materialOf(result));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sectionOf(id: string, of = report): Section {
  const section = of.sections.find((one) => one.id === id);
  if (section === undefined) throw new Error(`no section ${id}`);
  return section;
}

function column(table: Table | null, name: string): (number | string)[] {
  const at = table?.columns.indexOf(name) ?? -1;
  if (table === null || at < 0) throw new Error(`no column ${name}`);
  return table.rows.map((row) => {
    const cell = row[at] ?? "";
    return typeof cell === "string" ? cell : cell.value;
  });
}

describe("a report", () => {
  test("has every section, and in its tables the figures of the result", () => {
    expect(report.sections.map(({ id }) => id)).toEqual([
      "throughput",
      "latency",
      "percentiles",
      "split",
      "caps",
      "levels",
      "stalls",
      "claims",
      "whole",
      "origin",
    ]);
    const figures = result.cells.map(({ trials }) => trials[0]?.figures);
    expect(column(sectionOf("throughput").table, "IOPS")).toEqual(
      figures.map((one) => one?.iops ?? Number.NaN),
    );
    expect(column(sectionOf("latency").table, "99th percentile")).toEqual(
      figures.map((one) => one?.lat_p99_ns ?? Number.NaN),
    );
    expect(column(sectionOf("stalls").table, "stalled")).toEqual(
      figures.map((one) => one?.kick_stall_ns ?? Number.NaN),
    );
    // From merged buckets, which know a value to a thousandth.
    for (const [at, p99] of column(sectionOf("percentiles").table, "99 %").entries()) {
      expect(Number(p99) / (figures[at]?.lat_p99_ns ?? 0)).toBeCloseTo(1, 2);
    }
  });

  test("says what was found", () => {
    expect(sectionOf("throughput").finding).toMatch(
      /^fixed runs at [\d.]+ % of completion \(pools\): [\d,]+ against [\d,]+ IOPS/,
    );
    expect(sectionOf("caps").finding).toBe(
      "scan-swap (caps) reaches 99 % of its best at a cap of 48.",
    );
    expect(sectionOf("caps").notes.join(" ")).toContain("predict a knee at 48");
    expect(sectionOf("stalls").finding).toMatch(
      /stands still for \d+ % of the time, in \d+ stalls/,
    );
    expect(sectionOf("split").finding).toMatch(
      /^fixed \(pools\) spends \d+ % of its latency waiting for a buffer: [\d.]+ .s of a mean of /,
    );
    expect(sectionOf("origin").finding).toStartWith("Measured over a simulated network");
  });

  test("draws levels whose means come to the pool's own, however short a burst is", () => {
    const { charts, table } = sectionOf("levels");
    for (const [at, chart] of charts.entries()) {
      if (chart.kind !== "levels") throw new Error("a chart of levels");
      const [held, owned] = chart.series.map(({ slots }) =>
        slots.reduce((sum, { from, mean }, slot) => {
          return sum + mean * ((slots[slot + 1]?.from ?? chart.duration) - from);
        }, 0),
      );
      const share = (area = 0): number => area / chart.duration;
      expect(share(held)).toBeCloseTo(Number(column(table, "held, mean")[at]), 1);
      expect(share(owned)).toBeCloseTo(Number(column(table, "owned, mean")[at]), 1);
    }
    expect(charts.length).toBe(table?.rows.length ?? 0);
  });

  test("draws nothing where there is nothing, and says so", () => {
    expect(sectionOf("claims")).toMatchObject({ charts: [], table: null, verdicts: [] });
    expect(sectionOf("claims").finding).toContain("aoe bench reproduce");
    expect(sectionOf("whole")).toMatchObject({ charts: [], table: null });
    const bare = compose(
      materialOf({
        ...result,
        cells: result.cells.map((cell) => ({
          ...cell,
          trials: cell.trials.map((trial) => ({
            ...trial,
            loads: trial.loads.map((load) => ({ ...load, fio: { jobs: "?" } })),
          })),
        })),
      }),
    );
    for (const id of ["percentiles", "split", "levels", "stalls"]) {
      expect(sectionOf(id, bare)).toMatchObject({ charts: [], table: null });
      expect(sectionOf(id, bare).finding).toMatch(/no |not /);
    }
    expect(sectionOf("throughput", bare).charts.length).toBe(2);
  });

  test("counts failed trials in no figure, and says that they failed", () => {
    const failed = compose(
      materialOf({
        ...result,
        cells: result.cells.map((cell) => ({
          ...cell,
          median: null,
          trials: cell.trials.map((trial) => ({ ...trial, figures: null, failure: "it broke" })),
        })),
      }),
    );
    expect(sectionOf("throughput", failed)).toMatchObject({ charts: [], table: null });
    expect(sectionOf("throughput", failed).finding).toContain("No trial ended well");
  });

  test("of two results keeps them apart as arms", () => {
    const faster: RunResult = {
      ...result,
      cells: result.cells.map((cell) => ({
        ...cell,
        trials: cell.trials.map((trial) => ({
          ...trial,
          figures:
            trial.figures === null ? null : { ...trial.figures, iops: 2 * trial.figures.iops },
        })),
      })),
    };
    const both = compose({
      ...materialOf(result),
      names: ["a", "b"],
      runs: [
        { name: "a", run: result },
        { name: "b", run: faster },
      ],
    });
    const [chart] = sectionOf("throughput", both).charts;
    expect(chart?.kind === "intervals" ? chart.rows.map(({ label }) => label) : []).toEqual([
      "fixed · a",
      "fixed · b",
      "completion · a",
      "completion · b",
    ]);
  });

  test("tells of each claim whether it holds", () => {
    const claims = [
      { id: "E1", claim: "A", verdict: "holds" as const, sentence: "B." },
      { id: "E2", claim: "C", verdict: "does not hold" as const, sentence: "D." },
      { id: "E3", claim: "E", verdict: "holds" as const, sentence: "F." },
    ].map((one) => ({ ...one, how: "G.", figures: [{ cap: 1, lat_ns: 1500, pool: "x" }] }));
    const told = compose({
      ...NO_MATERIAL,
      names: ["r"],
      reproductions: [
        {
          schema_version: 1,
          kind: REPRODUCTION,
          started_at: result.started_at,
          provenance: { ...result.provenance, cpus_allowed: [0] },
          claims,
          runs: { "e2 virtual": JSON.parse(JSON.stringify(result)) },
        },
      ],
    });
    expect(sectionOf("claims", told).finding).toBe("Of 3 claims E1 and E3 hold; E2 does not hold.");
    expect(sectionOf("claims", told).verdicts[0]?.table).toEqual({
      columns: ["cap", "lat", "pool"],
      rows: [[{ shown: "1", value: 1 }, { shown: "1.5 µs", value: 1500 }, "x"]],
    });
    // The caps of E2 are drawn from the reproduction's own runs.
    expect(sectionOf("caps", told).charts.length).toBe(1);
    expect(reportMarkdown(told)).toContain("* ❌ **E2 does not hold**: C. D.");
  });
});

test("the knee is where throughput stays within 1 % of the best", () => {
  const points = (...medians: number[]) => medians.map((median, x) => ({ x, median }));
  expect(kneeOf(points(1, 50, 99, 100, 99.5))).toBe(2);
  expect(kneeOf(points(100, 50, 99, 100))).toBe(2);
  expect(kneeOf(points(100, 100, 100))).toBe(0);
  expect(kneeOf(points(1, 2, 3))).toBeNull();
});

test("numbers are written for a person", () => {
  expect([0, 12, 999.6, 1234, 123_456, 2e6, 1.5e9].map(shownTime)).toEqual([
    "0",
    "12 ns",
    "1 µs",
    "1.23 µs",
    "123 µs",
    "2 ms",
    "1.5 s",
  ]);
  expect([0, 0.004, 0.0996, 1].map(shownShare)).toEqual(["0 %", "0.4 %", "10 %", "100 %"]);
  expect(logTicks(30e3, 150e6, 6)).toEqual([1e5, 1e6, 1e7, 1e8]);
  expect(logTicks(80, 250, 6)).toEqual([100, 200]);
});

describe("the HTML file", () => {
  test("stands alone, and forbids itself everything but its own script", async () => {
    const html = await reportHtml(report);
    expect(html.length).toBeLessThan(1e6);
    // Nothing that a browser would fetch; a namespace is a name.
    expect(html.match(/<(?:script|img|iframe|link)[^>]+(?:src|href)="(?!data:)[^"]*"/g)).toBeNull();
    expect(html).not.toMatch(/@import|url\((?!["']?(?:data:|#))/);
    const script = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? "";
    const hash = new Bun.CryptoHasher("sha256").update(script).digest("base64");
    expect(html).toContain(`default-src 'none'; script-src 'sha256-${hash}'`);
    const data = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(html)?.[1];
    expect(JSON.parse(data ?? "")).toEqual(JSON.parse(JSON.stringify(report)));
  });

  test("holds no markup of a result's texts", async () => {
    const html = await reportHtml(compose(materialOf(evilResult(result), EVIL)));
    expect(html).not.toContain("<script>globalThis");
    expect(html).not.toContain("<img src=x");
    expect(html.match(/<\/script>/g)?.length).toBe(2);
  });
});

describe("the SVG files", () => {
  test("are XML with every chart in them, in light and dark", () => {
    for (const section of report.sections) {
      const svg = sectionSvg(section);
      expect([section.id, svg === null]).toEqual([section.id, section.charts.length === 0]);
      if (svg === null) continue;
      const document = new DOMParser().parseFromString(svg, "image/svg+xml");
      // The file's own, and one for each chart.
      expect(document.querySelectorAll("svg").length).toBe(section.charts.length + 1);
      expect(svg).toContain("prefers-color-scheme:dark");
      expect(document.querySelector("title")?.textContent).toBe(section.finding);
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    }
  });

  test("hold no markup of a result's texts", () => {
    const evil = compose(materialOf(evilResult(result), EVIL));
    const drawn = evil.sections.flatMap((section) => sectionSvg(section) ?? []);
    expect(drawn.length).toBeGreaterThan(3);
    for (const svg of drawn) {
      expect(svg).not.toMatch(/<script|<img/);
      const document = new DOMParser().parseFromString(svg, "image/svg+xml");
      expect(document.querySelectorAll("script, img, a, foreignObject, [onerror]").length).toBe(0);
    }
    expect(drawn.join("")).toContain("&lt;/script&gt;");
  });
});

describe("the Markdown", () => {
  test("has a table with the figures of each section", () => {
    const blocks = reportMarkdown(report).split(/^## /m);
    for (const { topic, table } of report.sections) {
      const block = blocks.find((one) => one.startsWith(`${topic}\n`)) ?? "";
      const lines = block.split("\n").filter((line) => line.startsWith("| "));
      // A head, a rule, and the rows.
      expect([topic, lines.length]).toEqual([topic, table === null ? 0 : table.rows.length + 2]);
      expect(block === "").toBe(table === null);
      for (const [at, row] of (table?.rows ?? []).entries()) {
        const shown = row.map((cell) => (typeof cell === "string" ? cell : cell.shown));
        const cells = lines[at + 2]?.slice(2, -2).split(" | ");
        expect(cells?.map((cell) => cell.replaceAll("\\", ""))).toEqual(shown);
      }
    }
  });

  test("becomes no markup where a browser shows it", () => {
    const text = reportMarkdown(compose(materialOf(evilResult(result), EVIL)));
    expect(text).not.toMatch(/<script|<img/);
    const html = Bun.markdown.html(text);
    expect(html).not.toMatch(/<script|<img|<a /);
    expect(html).toContain("&lt;/script&gt;");
  });
});

function aoe(...words: string[]) {
  const run = Bun.spawnSync([process.execPath, AOE, "bench", "report", ...words], {
    stdin: "ignore",
    cwd: folder,
  });
  return { code: run.exitCode, stdout: run.stdout.toString(), stderr: run.stderr.toString() };
}

describe("the command", () => {
  test("writes each format, and says what it wrote", () => {
    writeFileSync(join(folder, "small.json"), JSON.stringify(result));
    expect(aoe("small.json", "-o", "r.html")).toEqual({ code: 0, stdout: "", stderr: "r.html\n" });
    expect(readFileSync(join(folder, "r.html"), "utf8")).toStartWith("<!doctype html>");
    // A named format is written under any name.
    expect(aoe("small.json", "-o", "r.txt", "--format", "markdown").code).toBe(0);
    expect(readFileSync(join(folder, "r.txt"), "utf8")).toStartWith("# aoe bench: small\n");
    expect(aoe("small.json", "--format", "markdown").stdout).toStartWith("# aoe bench: small\n");
    expect(aoe("small.json", "--format", "svg", "-o", "drawn").code).toBe(0);
    expect(readdirSync(join(folder, "drawn")).sort()).toEqual([
      "caps.svg",
      "latency.svg",
      "levels.svg",
      "percentiles.svg",
      "split.svg",
      "stalls.svg",
      "throughput.svg",
    ]);
  });

  test("ends with one sentence and the right code where it can't", () => {
    const file = (name: string, content: unknown): string => {
      writeFileSync(join(folder, name), JSON.stringify(content));
      return name;
    };
    file("small.json", result);
    const fails = (code: number, sentence: RegExp, ...words: string[]): void => {
      const run = aoe(...words);
      expect([run.code, run.stdout, run.stderr.trim().split("\n").length]).toEqual([code, "", 1]);
      expect(run.stderr).toMatch(sentence);
    };
    fails(5, /Can't read the result absent\.json/, "absent.json");
    fails(2, /Expected a result/, file("other.json", { a: 1 }));
    fails(
      5,
      /newer|schema version/,
      file("new.json", { ...result, schema_version: SCHEMA_VERSION + 1 }),
    );
    fails(
      2,
      /Expected `--format` to be one of html, markdown, svg/,
      "small.json",
      "--format",
      "pdf",
    );
    fails(
      2,
      /Expected `--section` to be one of throughput/,
      "small.json",
      "--format",
      "svg",
      "--section",
      "x",
    );
    fails(
      1,
      /nothing to draw: No claim was tried/,
      "small.json",
      "--format",
      "svg",
      "--section",
      "claims",
    );
    for (const name of ["chart.png", "r.pdf", "r.json", "r.HTMLX"]) {
      fails(
        2,
        new RegExp(
          `^Expected \`--output\` to be a name that ends with .html, .md or .svg, or given with \`--format\`, got \`${name}\`\n$`,
        ),
        "small.json",
        "-o",
        name,
      );
      expect(existsSync(join(folder, name))).toBe(false);
    }
    fails(2, /Expected `--section` with the format svg/, "small.json", "--section", "caps");
    fails(5, /Can't write absent\/r\.html/, "small.json", "-o", "absent/r.html");
  }, 60_000);
});
