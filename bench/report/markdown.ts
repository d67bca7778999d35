// A report as Markdown for pull requests: findings, verdicts and tables. Texts of a result file are escaped,
// so that none becomes a link, an image, a mention or markup on the page that shows it.
import {
  isNumber,
  type Report,
  type Section,
  type Table,
  type TableCell,
  type Verdict,
} from "./report.ts";
import { escaped } from "../../words/table.ts";

export function reportMarkdown(report: Report): string {
  const blocks = [
    `# ${escaped(report.title)}`,
    escaped(report.subtitle),
    report.findings.map((text) => `* ${worded(text)}`).join("\n"),
    report.warnings.map((text) => `> ⚠️ ${worded(text)}`).join("\n>\n"),
    ...report.sections.flatMap(sectionBlocks),
  ];
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

function sectionBlocks({ topic, finding, notes, table, verdicts }: Section): string[] {
  const shown = table === null ? "" : tableBlock(table);
  // What is long folds away; GitHub shows <details>.
  const folded =
    table !== null && table.rows.length > 12
      ? `<details><summary>Table: ${escaped(topic.toLowerCase())}</summary>\n\n${shown}\n\n</details>`
      : shown;
  return [
    `## ${escaped(topic)}`,
    `**${worded(finding)}**`,
    verdicts.map(verdictLine).join("\n"),
    folded,
    notes.map((note) => `_${worded(note)}_`).join("  \n"),
  ];
}

const MARKS = { holds: "✅", "does not hold": "❌", inconclusive: "❔" } as const;

function verdictLine({ id, verdict, claim, sentence }: Verdict): string {
  return `* ${MARKS[verdict]} **${escaped(id)} ${verdict}**: ${worded(claim)}. ${worded(sentence)}`;
}

function tableBlock(table: Table): string {
  const { columns, rows } = table;
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(escaped)),
    line(columns.map((_, column) => (isNumber(table, column) ? "--:" : "---"))),
    ...rows.map((row) => line(row.map(cell))),
  ].join("\n");
}

function cell(value: TableCell): string {
  return worded(typeof value === "string" ? value : value.shown);
}

/** What a name of the program's may be made of; whatever else stands between backticks is not one. */
const NAME = /^[\w .:/=-]+$/;

/** Backticks in pairs around names make code. */
function worded(sentence: string): string {
  const parts = sentence.split("`");
  const names = parts.filter((_, at) => at % 2 === 1);
  if (parts.length % 2 === 0 || !names.every((name) => NAME.test(name))) return escaped(sentence);
  return parts.map((part, at) => (at % 2 === 1 ? `\`${part}\`` : escaped(part))).join("");
}
