// Markdown of a report: nobody is called by a result's text, long tables fold, and only names become code.

import { expect, test } from "bun:test";

import { sampleRun } from "../../testing/doubles/sample_result.ts";
import { parseJob } from "../job/job.ts";
import { compose } from "./compose.ts";
import { NO_MATERIAL } from "./read_material.ts";
import { reportMarkdown } from "./markdown.ts";
import type { Report, Section } from "./report.ts";
import { escaped } from "../../words/table.ts";

const SECTION: Section = {
  id: "x",
  topic: "Topic",
  finding: "Found with `--iodepth 4`.",
  notes: [],
  charts: [],
  table: null,
  verdicts: [],
  verdict: null,
};

function report(own: Partial<Section>, rest: Partial<Report> = {}): string {
  return reportMarkdown({
    title: "t",
    subtitle: "",
    matrices: [],
    answers: [],
    warnings: [],
    findings: [],
    sections: [{ ...SECTION, ...own }],
    ...rest,
  });
}

test("an @ calls nobody, an address is no link", () => {
  expect(escaped("ask @somebody")).toBe("ask @\u200bsomebody");
  expect(escaped("see http://x")).toBe("see http:\u200b//x");
  expect(Bun.markdown.html(escaped("*a* _b_ # `c` [d](e) | ~f~ $g$ !"))).not.toMatch(
    /<(em|strong|h1|code|a|del|img)/,
  );
});

test("a table of more than twelve rows folds away", () => {
  const rows = (count: number) => Array.from({ length: count }, (_, at) => [`r${at}`]);
  const shown = (count: number) => report({ table: { columns: ["c"], rows: rows(count) } });
  expect(shown(12)).not.toContain("<details>");
  expect(shown(13)).toContain("<details><summary>Table: topic</summary>\n\n| c |");
  expect(shown(13)).toContain("| r12 |\n\n</details>");
});

test("names between backticks are code; what else stands there is a text", () => {
  const table = { columns: ["c"], rows: [["r"]] };
  expect(report({ table })).toContain("**Found with `--iodepth 4`.**");
  const evil = "a `<img src=x>` and `fine`";
  const text = report({ finding: evil });
  expect(text).not.toContain("`fine`");
  expect(text).toContain("\\`&lt;img src=x&gt;\\`");
  // One that nothing closes.
  expect(report({ finding: "a `b", table })).toContain("**a \\`b**");
});

test("findings and warnings of several results say which they are of", () => {
  const one = sampleRun(parseJob("[a]", "j.toml"), () => [{}], {
    findings: ["it is slower"],
    warnings: ["one CPU"],
  });
  const composed = (...names: string[]) => {
    const runs = names.map((name) => ({ name, run: one }));
    return compose({ ...NO_MATERIAL, names, runs });
  };
  expect(composed("a")).toMatchObject({ findings: ["it is slower"], warnings: ["one CPU"] });
  expect(composed("a", "b")).toMatchObject({
    findings: ["a: it is slower", "b: it is slower"],
    warnings: ["a: one CPU", "b: one CPU"],
  });
});

test("a section with nothing below it is a line at the end, and no heading", () => {
  const text = report({});
  expect(text).not.toContain("## Topic");
  expect(text).toEndWith("Not drawn:\n\n* Topic: Found with `--iodepth 4`.\n");
});

test("warnings and findings of the results stand above", () => {
  const text = report({}, { warnings: ["one CPU"], findings: ["it is slower"] });
  expect(text).toContain("* it is slower");
  expect(text).toContain("> ⚠️ one CPU");
});
