// What a person sees of a result: tables under their titles with sentences below, and sentences about all of it; for a
// terminal or as Markdown for a page.

import { printableLines } from "../../words/printable.ts";
import { escaped, formatRecords } from "../../words/table.ts";

export type Row = Readonly<Record<string, string>>;

export interface Block {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly notes?: readonly string[];
}

export interface Shown {
  readonly blocks: readonly Block[];
  readonly sentences: readonly string[];
}

export function formatBlocks({ blocks, sentences }: Shown, width?: number): string {
  const tables = blocks.map(({ title, rows, notes = [] }) =>
    [title, formatRecords(rows, width).trimEnd(), ...notes, ""].join("\n"),
  );
  return printableLines(`${[...tables, ...sentences].join("\n")}\n`);
}

export function markdownBlocks({ blocks, sentences }: Shown): string {
  const tables = blocks.flatMap(({ title, rows, notes = [] }) => [
    `${title}:`,
    markdownTable(rows),
    ...notes.map(escaped),
  ]);
  const ended = sentences.map((text) => (text.endsWith(".") ? text : `${text}.`));
  return `${[...tables, ...ended.map(escaped)].join("\n\n")}\n`;
}

export function markdownTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  return [
    line(columns),
    line(columns.map(() => "---")),
    ...rows.map((row) => line(columns.map((column) => row[column] ?? ""))),
  ].join("\n");
}
