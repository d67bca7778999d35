// A report as Markdown for pull requests: findings, verdicts and tables. Texts of a result file are escaped,
// so that none becomes a link, an image, a mention or markup on the page that shows it.
import {
  isEmpty,
  isNumber,
  type Matrix,
  type MatrixCell,
  type Report,
  type Section,
  type Table,
  type TableCell,
  type Verdict,
  type Word,
} from "./report.ts";
import { printable } from "../../words/printable.ts";
import { escaped } from "../../words/table.ts";

export function reportMarkdown(report: Report): string {
  const full = report.sections.filter((section) => !isEmpty(section));
  const judged = report.sections.some(({ verdict }) => verdict !== null);
  const blocks = [
    `${judged ? "###" : "#"} ${escaped(report.title)}`,
    escaped(report.subtitle),
    ...(judged ? [] : firstBlocks(report)),
    report.findings.map((text) => `* ${worded(text)}`).join("\n"),
    report.warnings.map((text) => `> ⚠️ ${worded(text)}`).join("\n>\n"),
    ...full.flatMap(judged ? judgedBlocks : sectionBlocks),
    judged && report.matrices.length > 0
      ? fold("First screen: setting by arm", joined(firstBlocks(report)))
      : "",
    judged ? "" : notDrawn(report.sections.filter(isEmpty)),
  ];
  return joined(blocks);
}

function notDrawn(sections: readonly Section[]): string {
  if (sections.length === 0) return "";
  const lines = sections.map(({ topic, finding }) => `* ${escaped(topic)}: ${worded(finding)}`);
  return ["Not drawn:", "", ...lines].join("\n");
}

/** Blocks that say something, a blank line between them. */
function joined(blocks: readonly string[]): string {
  return `${blocks.filter((block) => block !== "").join("\n\n")}\n`;
}

/** Where revisions are judged: the verdict and what each judge found, and all else folded. */
function judgedBlocks(section: Section): string[] {
  const { finding, notes, table, topic, verdict, verdicts } = section;
  if (verdict === null) return [fold(`${topic}: ${finding}`, tableAndNotes(section))];
  const mark = MARKS[verdict];
  return [
    `**${mark} ${verdict.toUpperCase()}** ${worded(finding)}`,
    verdicts.length > 0
      ? tableBlock(judgesTable(verdicts))
      : table === null
        ? ""
        : tableBlock(table),
    notes.map((note) => `_${worded(note)}_`).join("  \n"),
  ];
}

function judgesTable(verdicts: readonly Verdict[]): Table {
  return {
    columns: ["judge", "verdict", "what it found", "again"],
    rows: verdicts.map(({ id, verdict, sentence, how }) => [
      id,
      `${MARKS[verdict]} ${verdict}`,
      sentence,
      `\`${how}\``,
    ]),
  };
}

function fold(summary: string, body: string): string {
  return `<details><summary>${inHtml(summary)}</summary>\n\n${body}\n\n</details>`;
}

/** Within a tag Markdown has no escapes of its own. */
function inHtml(text: string): string {
  const plain = printable(text.replaceAll("`", "").replaceAll(/\s+/g, " "));
  return Bun.escapeHTML(plain).replaceAll("@", "@\u200b").replaceAll("://", ":\u200b//");
}

function tableAndNotes({ notes, table }: Section): string {
  const shown = table === null ? "" : tableBlock(table);
  return joined([shown, notes.map((note) => `_${worded(note)}_`).join("  \n")]).trimEnd();
}

function firstBlocks({ answers, matrices }: Report): string[] {
  return [
    ...matrices.map(matrixBlock),
    ...answers.map(({ question, answer }) => `**${escaped(question)}** ${worded(answer)}`),
  ];
}

function matrixBlock({ corner, columns, rows, cells }: Matrix): string {
  const text = ({ iops, interval, facts, trust, trusted }: MatrixCell): string =>
    [
      `**${cell(iops)}** IOPS`,
      ...[interval, facts.join(", ")].filter((part) => part !== "").map(escaped),
      `${trusted ? "" : "⚠️ "}${escaped(trust)}`,
    ].join("<br>");
  return [
    line([corner, ...columns].map(escaped)),
    line(["---", ...columns.map(() => "--:")]),
    ...rows.map((name, row) => line([escaped(name), ...(cells[row] ?? []).map(text)])),
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function sectionBlocks({ topic, finding, notes, table, verdicts }: Section): string[] {
  const shown = table === null ? "" : tableBlock(table);
  // What is long folds away; GitHub shows <details>.
  const folded =
    table !== null && table.rows.length > 12 ? fold(`Table: ${topic.toLowerCase()}`, shown) : shown;
  return [
    `## ${escaped(topic)}`,
    `**${worded(finding)}**`,
    verdicts.map(verdictLine).join("\n"),
    folded,
    notes.map((note) => `_${worded(note)}_`).join("  \n"),
  ];
}

const MARKS: Readonly<Record<Word, string>> = {
  holds: "✅",
  better: "✅",
  same: "✅",
  "does not hold": "❌",
  worse: "❌",
  broken: "❌",
  changed: "❔",
  inconclusive: "❔",
};

function verdictLine({ id, verdict, claim, sentence }: Verdict): string {
  return `* ${MARKS[verdict]} **${escaped(id)} ${verdict}**: ${worded(claim)}. ${worded(sentence)}`;
}

function tableBlock(table: Table): string {
  const { columns, rows } = table;
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
