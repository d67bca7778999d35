// docs/bench.md and docs/report.md say what is so: tables are made from the code, jobs are jobs, commands run.

import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { tableIn } from "./target_tables.ts";
import { blocksOf, testBlocks } from "./examples.ts";
import { cellsOf, parseJob } from "../../bench/job/job.ts";
import { benchTables, PAGE } from "./bench_tables.ts";
import { compose } from "../../bench/report/compose.ts";
import { readMaterial } from "../../bench/report/read_material.ts";
import { resultSchema } from "../../bench/result/schema_action.ts";

const page = readFileSync(PAGE, "utf8");
const DOCS = join(import.meta.dir, "../../docs");
const report = readFileSync(join(DOCS, "report.md"), "utf8");

describe("docs/bench.md", () => {
  const tables = benchTables();
  test.each(Object.keys(tables))(
    "%s: as the code has it (else: bun testing/docs/bench_tables.ts)",
    (mark) => {
      expect(tableIn(page, mark)).toBe(tables[mark] ?? "");
    },
  );

  test("every mark has its table, and no key of a result is without a meaning", () => {
    const marks = [...page.matchAll(/^<!-- (.*) -->$/gm)].map(([, mark]) => mark);
    expect(marks.filter((mark) => mark !== "end").toSorted()).toEqual(
      Object.keys(tables).toSorted(),
    );
    for (const mark of ["run", "cell", "trial", "figures", "threshold", "job keys"]) {
      expect([mark, tables[mark]?.includes("|  |\n")]).toEqual([mark, false]);
    }
  });

  test("its job files are job files", () => {
    const jobs = [...page.matchAll(/^```(?:toml)?\n(\[global\].*?)^```$/gms)];
    const cells = jobs.map(([, text = ""]) => parseJob(text, "page.toml").jobs.flatMap(cellsOf));
    expect(cells.map(({ length }) => length)).toEqual([13, 9, 6]);
  });

  test("every section of a report has its row", () => {
    const { sections } = compose(
      readMaterial([join(import.meta.dir, "../../fixtures/results/report.json")]),
    );
    const told = page.slice(page.indexOf("## Reading the charts"));
    for (const { id } of sections) expect(told).toContain(`| \`${id}\` `);
  });

  testBlocks(blocksOf(page));
});

describe("docs/report.md", () => {
  testBlocks(blocksOf(report));
});

test("docs/result.schema.json is what `aoe bench schema` prints", () => {
  // The file as the formatter has it.
  const kept: unknown = JSON.parse(readFileSync(join(DOCS, "result.schema.json"), "utf8"));
  expect(kept).toEqual(JSON.parse(resultSchema()));
});
