// A comparison as a table and sentences.
import { KEY_NAMES } from "../job/keys.ts";
import type { MedianInterval } from "../../statistics/median_interval.ts";
import type { Comparison } from "./comparison.ts";
import { type ComparedCell, share, type Whole } from "./rows.ts";
import { printableLines } from "../../words/printable.ts";
import { formatRecords } from "../../words/table.ts";
import { shownTime, rate } from "../../words/shown.ts";

export function describeComparison(comparison: Comparison, width?: number): string {
  const { cells, geomean, metric } = comparison;
  const axes = KEY_NAMES.filter((key) => cells.some((cell) => cell.axes[key] !== undefined));
  const jobs = new Set(cells.map((cell) => cell.job)).size > 1 || axes.length === 0;
  const value = (side: MedianInterval): string =>
    `${figure(side.median, metric)} (${figure(side.low, metric)} – ${figure(side.high, metric)})`;
  const rows = cells.map((cell) => ({
    ...(jobs ? { job: cell.job } : {}),
    ...Object.fromEntries(axes.map((axis) => [axis, cell.axes[axis] ?? ""])),
    [`${metric}, base`]: value(cell.base),
    [`${metric}, head`]: value(cell.head),
    ...judged(cell),
    n: `${cell.base.n}+${cell.head.n}`,
  }));
  const lines = [rows.length === 0 ? "" : formatRecords(rows, width, ["n", "p"]).trimEnd()];
  if (geomean !== null && geomean.rows > 1) {
    const { "head / base": ratio, p, verdict } = judged(geomean);
    lines.push(`geometric mean of ${geomean.rows} rows: ${ratio}, p ${p}: ${verdict}`);
  }
  lines.push(
    "medians over the trials and their intervals; head / base with its interval; p of the rank sum test after Holm over all rows",
    "",
    comparison.summary,
    "",
  );
  return printableLines(lines.join("\n"));
}

function judged(one: ComparedCell | Whole): Record<"head / base" | "p" | "verdict", string> {
  const sign = one.verdict === "same" ? "~ same" : one.verdict;
  return {
    "head / base": `${share(one.ratio)} (${share(one.low)} – ${share(one.high)})`,
    p: one.p_holm < 0.001 ? "<0.001" : one.p_holm.toFixed(3),
    verdict: sign,
  };
}

function figure(value: number, metric: string): string {
  return metric === "iops" ? rate(value) : shownTime(value);
}
