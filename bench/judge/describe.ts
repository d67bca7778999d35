// A comparison as a table and sentences.
import { KEY_NAMES } from "../job/keys.ts";
import type { MedianInterval } from "../../statistics/median_interval.ts";
import type { Comparison } from "./comparison.ts";
import type { Change } from "./exact_cells.ts";
import type { Verdict } from "./verdict.ts";
import { type ComparedCell, share, type Whole } from "./rows.ts";
import { printableLines } from "../../words/printable.ts";
import { formatRecords } from "../../words/table.ts";
import { shownTime, rate } from "../../words/shown.ts";

export function describeComparison(comparison: Comparison, width?: number): string {
  const { cells, geomean, metric } = comparison;
  const axes = KEY_NAMES.filter((key) => cells.some((cell) => cell.axes[key] !== undefined));
  const jobs = new Set(cells.map((cell) => cell.job)).size > 1 || axes.length === 0;
  const exact = comparison.changes !== null;
  const value = (side: MedianInterval): string =>
    exact
      ? figure(side.median, metric)
      : `${figure(side.median, metric)} (${figure(side.low, metric)} – ${figure(side.high, metric)})`;
  const rows = cells.map((cell) => ({
    ...(jobs ? { job: cell.job } : {}),
    ...Object.fromEntries(axes.map((axis) => [axis, cell.axes[axis] ?? ""])),
    [`${metric}, base`]: value(cell.base),
    [`${metric}, head`]: value(cell.head),
    ...(exact ? { verdict: EXACT_WORDS[cell.verdict] } : judged(cell)),
    n: `${cell.base.n}+${cell.head.n}`,
  }));
  const lines = [rows.length === 0 ? "" : formatRecords(rows, width, ["n", "p"]).trimEnd()];
  if (geomean !== null && geomean.rows > 1) {
    const { "head / base": ratio, p, verdict } = judged(geomean);
    lines.push(`geometric mean of ${geomean.rows} rows: ${ratio}, p ${p}: ${verdict}`);
  }
  if (comparison.changes !== null) {
    lines.push(
      ...changed(comparison.changes),
      "exact figures, the same on every machine: one that differs is a difference of the program",
      "",
      comparison.summary,
      "",
    );
    return printableLines(lines.join("\n"));
  }
  lines.push(
    "medians over the trials and their intervals; head / base with its interval; p of the rank sum test after Holm over all rows",
    "",
    comparison.summary,
    "",
  );
  return printableLines(lines.join("\n"));
}

/** Of an exact row: its metric is the same, another figure is not. */
const EXACT_WORDS: Readonly<Record<Verdict, string>> = {
  better: "better",
  worse: "worse",
  same: "equal",
  inconclusive: "changed",
};

const MOST_CHANGES = 20;

function changed(changes: readonly Change[]): string[] {
  const shown = changes.slice(0, MOST_CHANGES).map(({ job, axes, figure, base, head }) => {
    const cell = Object.values(axes).join(" ") || job;
    return `${cell}: ${figure} ${String(base)} → ${String(head)}`;
  });
  const more = changes.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more (--json has all)`] : shown;
}

function judged(one: ComparedCell | Whole): Record<"head / base" | "p" | "verdict", string> {
  const sign = one.verdict === "same" ? "~ same" : one.verdict;
  return {
    "head / base": `${share(one.ratio)} (${share(one.low)} – ${share(one.high)})`,
    p: one.p_holm < 0.001 ? "<0.001" : one.p_holm.toFixed(3),
    verdict: "disturbed" in one && one.disturbed ? "disturbed" : sign,
  };
}

function figure(value: number, metric: string): string {
  return metric === "iops" ? rate(value) : shownTime(value);
}
