// Tables of exact figures in a file: a line a cell, its key first, compared by equality.

export type Row<Column extends string> = Readonly<Record<Column, string>>;

export interface Shape<Key extends string, Figure extends string> {
  readonly keys: readonly Key[];
  readonly figures: readonly Figure[];
  /** How a difference names its cell. */
  readonly nameOf: (row: Row<Key | Figure>) => string;
}

const TITLE =
  "# Written by `aoe bench sim --golden --update`; what the columns mean: docs/simulator.md.";

export function formatRows<Key extends string, Figure extends string>(
  { keys, figures }: Shape<Key, Figure>,
  rows: readonly Row<Key | Figure>[],
): string {
  const columns = [...keys, ...figures];
  const names: Record<string, string> = {};
  for (const column of columns) names[column] = column;
  const lines = [names as Row<Key | Figure>, ...rows];
  const widths = columns.map((column) => Math.max(...lines.map((row) => row[column].length)));
  const text = lines.map((row) =>
    columns
      .map((column, at) => {
        const width = widths[at] ?? 0;
        return at < keys.length ? row[column].padEnd(width) : row[column].padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return `${TITLE}\n${text.join("\n")}\n`;
}

/** The rows of a table that `formatRows` wrote. */
export function parseRows<Column extends string>(text: string): Row<Column>[] {
  const [head = "", ...lines] = text.split("\n").filter((line) => line !== "" && line[0] !== "#");
  const columns = head.split(/ +/);
  return lines.map((line) => {
    const values = line.split(/ +/);
    const pairs = columns.map((column, at) => [column, values[at] ?? ""]);
    return Object.fromEntries(pairs) as Row<Column>;
  });
}

/** One line for each cell that differs: what it was and what it is. None: the tables are equal. */
export function compareRows<Key extends string, Figure extends string>(
  { figures, nameOf }: Shape<Key, Figure>,
  expected: readonly Row<Key | Figure>[],
  got: readonly Row<Key | Figure>[],
): string[] {
  const differences: string[] = [];
  const left = new Map(expected.map((row) => [nameOf(row), row]));
  for (const row of got) {
    const name = nameOf(row);
    const before = left.get(name);
    left.delete(name);
    if (before === undefined) {
      differences.push(`${name}: is new`);
      continue;
    }
    const changed = figures.filter((figure) => before[figure] !== row[figure]);
    if (changed.length === 0) continue;
    const said = changed.map((figure) => `${figure} ${before[figure]} -> ${row[figure]}`);
    differences.push(`${name}: ${said.join(", ")}`);
  }
  for (const name of left.keys()) differences.push(`${name}: is gone`);
  return differences;
}
