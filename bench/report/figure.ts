// Numbers as a person reads them in a report. The exact value stands beside each in the page (data-value).

import type { Axis, Table, TableCell } from "./report.ts";
import { NOTHING, shownTime, shownCount, shownShare, shownBytes } from "../../words/shown.ts";

export function shown(value: number, unit: Axis["unit"]): string {
  if (unit === "time") return shownTime(value);
  if (unit === "share") return shownShare(value);
  return unit === "bytes" ? shownBytes(value) : shownCount(value);
}

export function figure(value: number | null, unit: Axis["unit"]): TableCell {
  return value === null || !Number.isFinite(value) ? NOTHING : { shown: shown(value, unit), value };
}

/** A name, and what stands below it: a text, or a figure of that unit. */
export type Column<Row> =
  | readonly [name: string, of: (row: Row) => TableCell]
  | readonly [name: string, unit: Axis["unit"], of: (row: Row) => number | null];

export function tableOf<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Table {
  return {
    columns: columns.map(([name]) => name),
    rows: rows.map((row) =>
      columns.map((column) =>
        column.length === 2 ? column[1](row) : figure(column[2](row), column[1]),
      ),
    ),
  };
}
