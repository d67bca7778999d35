// The table of a run: a row for each cell, first what varies, then what was measured.

import { formatRecords } from "../../words/table.ts";
import { KEY_NAMES, type KeyName } from "../job/keys.ts";
import type { CellResult } from "./result.ts";
import { shownCount, shownTime, rate } from "../../words/shown.ts";

const HEADINGS: Partial<Record<KeyName, string>> = { service: "target" };

/** What a narrow terminal can spare: the result and its JSON have it. */
const MAY_GO = ["kicks", "dry", "extra buffers", "buffer wait"];

export function cellTable(cells: readonly CellResult[], width?: number): string {
  const axes = KEY_NAMES.filter((key) => cells.some((cell) => cell.axes[key] !== undefined));
  const jobs = new Set(cells.map((cell) => cell.job)).size > 1;
  const rows = cells.map((cell) => {
    const row: Record<string, string> = jobs ? { job: cell.job } : {};
    for (const axis of axes) row[HEADINGS[axis] ?? axis] = cell.axes[axis] ?? cell.values[axis];
    const figures = cell.median;
    row["IOPS"] = figures === null ? "failed" : rate(figures.iops);
    row["p50"] = figures === null ? "" : shownTime(figures.lat_p50_ns);
    row["p99"] = figures === null ? "" : shownTime(figures.lat_p99_ns);
    row["buffer wait"] = figures === null ? "" : shownTime(figures.buffer_wait_mean_ns);
    row["extra buffers"] = figures === null ? "" : String(figures.pool_length_peak);
    row["dry"] = figures === null ? "" : shownCount(figures.dry);
    row["kicks"] = figures === null ? "" : shownCount(figures.kicks);
    return row;
  });
  return formatRecords(rows, width, MAY_GO).trimEnd();
}
