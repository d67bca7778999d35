// Columns of text, two blanks apart (one, where that is what is missing), as wide as their longest entry, within the width of a terminal.
//
//   it fits            DEVICE  SIZE  MODEL                 what is piped has all the room there is
//   wrap               DEVICE  SIZE  MODEL                 cells break between words, the widest column first
//                      e7.3    64m   aoe software
//                                    target
//   drop               columns that may go do, the highest `drop` first; a last line names them
//   turn               DEVICE  e7.3                        where not even the longest words have room:
//                      SIZE    64m                         a block for each row, without its empty cells
//
// Cells are printable (printable.ts), wherever their text comes from.

import { printable } from "./printable.ts";

export interface Column {
  readonly name: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** Not narrower than this: it isn't wrapped below, and what is drawn again stands still. */
  readonly least?: number;
  /** May be left out where there is no room; the highest goes first. */
  readonly drop?: number;
  /** Colours a cell where it is written; `whole` is the cell, of which a wrapped line is a part. */
  readonly paint?: (line: string, whole: string) => string;
}

/** A cell for each column, or a heading over the rows that follow. */
export type Row = readonly string[] | Heading;
export interface Heading {
  readonly heading: string;
  readonly paint?: (text: string) => string;
}

/** Blanks between columns; one where two have no room. */
const GAPS = [2, 1] as const;

/** The width to write a table in: the terminal's, or no limit where `stream` is none. */
export function widthOf(stream: { readonly isTTY?: boolean; readonly columns?: number }): number {
  const { isTTY = false, columns = 0 } = stream;
  return isTTY && columns > 0 ? columns : Number.POSITIVE_INFINITY;
}

/** `rows` under `head`; each line ends with a newline and without blanks. */
export function formatTable(
  head: readonly (Column | string)[],
  rows: readonly Row[],
  width = Number.POSITIVE_INFINITY,
): string {
  if (head.length === 0) return "";
  const headings = new Map<number, Heading>();
  const plain: (readonly string[])[] = [];
  for (const row of rows) {
    if ("heading" in row) headings.set(plain.length, row);
    else plain.push(row);
  }
  const all = head.map((column, index): Filled => {
    const shape = typeof column === "string" ? { name: column } : column;
    return filled(shape, [shape.name, ...plain.map((row) => row[index] ?? "")].map(printable));
  });
  const above = (row: number): string => {
    const found = headings.get(row);
    if (found === undefined) return "";
    const { heading, paint = (text) => text } = found;
    return wrapped(printable(heading), width)
      .map((line) => `${paint(line)}\n`)
      .join("");
  };
  for (let columns: readonly Filled[] | null = all; columns !== null; columns = fewer(columns)) {
    for (const gap of GAPS) {
      const widths = fitted(columns, gap, width);
      if (widths === null) continue;
      const left = all.filter((column) => columns?.includes(column) === false);
      return laidOut(columns, widths, gap, above) + noted(left, width);
    }
  }
  return turned(all, above, width);
}

/** A table whose rows name their columns. `mayGo`: what may be dropped, the first of them first. */
export function formatRecords(
  rows: readonly Readonly<Record<string, string>>[],
  width?: number,
  mayGo: readonly string[] = [],
): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => names.map((name) => row[name] ?? ""));
  const drop = (name: string): number => mayGo.length - mayGo.indexOf(name);
  const head = names.map((name) => (mayGo.includes(name) ? { name, drop: drop(name) } : name));
  return formatTable(head, cells, width);
}

interface Filled extends Column {
  /** Its name, then a cell for each row. */
  readonly cells: readonly string[];
  /** Of its longest entry. */
  readonly natural: number;
  /** Of its longest word. */
  readonly narrowest: number;
}

function filled(column: Column, cells: readonly string[]): Filled {
  const { least = 0 } = column;
  const widest = (texts: readonly string[]): number =>
    Math.max(least, ...texts.map((text) => Bun.stringWidth(text)));
  const words = cells.flatMap((cell) => cell.split(" "));
  return { ...column, cells, natural: widest(cells), narrowest: widest(words) };
}

const sum = (widths: readonly number[], gap: number): number =>
  widths.reduce((total, width) => total + width, gap * (widths.length - 1));

/** Without what goes first of them; null: nothing may go. */
function fewer(columns: readonly Filled[]): readonly Filled[] | null {
  const worst = Math.max(...columns.map(({ drop = 0 }) => drop));
  return worst > 0 ? columns.filter(({ drop = 0 }) => drop < worst) : null;
}

function noted(left: readonly Filled[], width: number): string {
  if (left.length === 0) return "";
  const text = `(no room for ${left.map(({ cells: [name] }) => name).join(", ")})`;
  return `${wrapped(text, width).join("\n")}\n`;
}

/** Widths that, with the gaps, have room in `width`; null: there are none. */
function fitted(columns: readonly Filled[], gap: number, width: number): readonly number[] | null {
  const widths = columns.map(({ natural }) => natural);
  while (sum(widths, gap) > width) {
    let widest = -1;
    for (const [index, { narrowest }] of columns.entries()) {
      const own = widths[index] ?? 0;
      if (own > narrowest && own > (widths[widest] ?? 0)) widest = index;
    }
    if (widest < 0) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function laidOut(
  columns: readonly Filled[],
  widths: readonly number[],
  gap: number,
  above: (row: number) => string,
): string {
  let text = "";
  const rows = columns[0]?.cells.length ?? 0;
  for (let row = 0; row < rows; row++) {
    if (row > 0) text += above(row - 1);
    const cells = columns.map(({ cells }, index) => wrapped(cells[row] ?? "", widths[index] ?? 0));
    const lines = Math.max(1, ...cells.map(({ length }) => length));
    for (let line = 0; line < lines; line++) {
      const parts = columns.map(({ cells: whole, paint, right }, index) => {
        const part = cells[index]?.[line] ?? "";
        const blanks = " ".repeat(Math.max(0, (widths[index] ?? 0) - Bun.stringWidth(part)));
        const shown = row === 0 || paint === undefined ? part : paint(part, whole[row] ?? "");
        return right === true ? blanks + shown : shown + blanks;
      });
      text += `${parts.join(" ".repeat(gap)).trimEnd()}\n`;
    }
  }
  return text;
}

/** A block for each row; a blank line between blocks. */
function turned(columns: readonly Filled[], above: (row: number) => string, width: number): string {
  const rows = (columns[0]?.cells.length ?? 1) - 1;
  const lead = Math.max(...columns.map(({ name }) => Bun.stringWidth(printable(name))));
  const [gap] = GAPS;
  const room = Math.max(width - lead - gap, 1);
  const blocks = Array.from(
    { length: rows },
    (_, row) =>
      above(row) +
      columns
        .flatMap(({ cells }) => {
          const cell = cells[row + 1] ?? "";
          if (cell === "") return [];
          const [name = ""] = cells;
          return wrapped(cell, room).map(
            (part, line) => `${(line === 0 ? name : "").padEnd(lead + gap)}${part}\n`,
          );
        })
        .join(""),
  );
  return blocks.join("\n");
}

/** `text` in lines of `width` at most, broken between words; a longer word has its own line. */
function wrapped(text: string, width: number): string[] {
  if (Bun.stringWidth(text) <= width) return [text];
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || Bun.stringWidth(last) + 1 + Bun.stringWidth(word) > width) {
      lines.push(word);
    } else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/** Text that Markdown shows as it is. `@` gets an invisible companion, so that nobody is called by a result. */
export function escaped(text: string): string {
  return printable(text.replaceAll(/\s+/g, " "))
    .replaceAll("&", "&amp;")
    .replaceAll(/<(?! )/g, "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*_[\]{}|~$#!]/g, (mark) => `\\${mark}`)
    .replaceAll("@", "@\u200b")
    .replaceAll("://", ":\u200b//");
}
