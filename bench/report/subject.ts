// What the report's sections say of a result's cells: columns, intervals, and what is not sure.

import { type ArmCell, type Spread, spreadOf, sure } from "../result/arm_cells.ts";
import type { Axis } from "./report.ts";
import type { Column } from "./figure.ts";
import { countedTrials } from "../result/cell_figures.ts";
import type { Trial } from "../result/result.ts";
import { median } from "../../statistics/quantile.ts";
import { medianInterval } from "../../statistics/median_interval.ts";
import type { NumberKey } from "../load/figures.ts";
import { plural } from "../../words/shown.ts";

/** The same lines with the dashes that a chart of them needs, the first unbroken. */
export function evenDashes<Line extends { readonly dash: number }>(lines: readonly Line[]): Line[] {
  const dashes = [...new Set(lines.map(({ dash }) => dash))].sort((a, b) => a - b);
  return lines.map((line) => ({ ...line, dash: dashes.indexOf(line.dash) }));
}

/** The first columns of a table whose rows are cells. */
export const CELL_COLUMNS: readonly Column<ArmCell>[] = [
  ["setting", ({ setting }) => setting],
  ["arm", ({ arm }) => arm],
];

/** The first columns of a table whose rows have cells. */
export const OF_CELL: readonly Column<{ readonly cell: ArmCell }>[] = [
  ["setting", ({ cell }) => cell.setting],
  ["arm", ({ cell }) => cell.arm],
];

/** A figure's median and its interval. */
export function spreadColumns(
  key: NumberKey,
  unit: Axis["unit"],
  names: readonly [string, string, string],
): Column<ArmCell>[] {
  return (["median", "low", "high"] as const).map((of, at) => [
    names[at] ?? "",
    unit,
    (cell: ArmCell) => spreadOf(cell, key)[of],
  ]);
}

/** The heading of a section in which no cell is sure. */
export function unsure(cells: readonly ArmCell[]): string {
  return `Others used the CPUs in half of the trials or more in ${cells.length === 1 ? "the only cell" : `all ${cells.length} cells`}, so the figures below say nothing about an arm.`;
}

/** Which cells are in no heading, where there are any. */
export function disturbedNote(cells: readonly ArmCell[]): string[] {
  const left = cells.length - sure(cells).length;
  if (left === 0) return [];
  return [
    `${plural(left, "cell")} of ${cells.length} had half of the trials disturbed or more: no heading speaks of ${left === 1 ? "it" : "them"}.`,
  ];
}

/** What of a spread can be drawn: nothing where the cell has no such figure. */
export function drawable({ median, low, high, values }: Spread): Spread[] {
  if (!Number.isFinite(median)) return [];
  const known = values.filter(Number.isFinite);
  return [{ median, low, high: Math.min(high, Math.max(...known)), values: known }];
}

/** The median over the trials of what `of` finds in each; null: in none of them anything. */
export function overTrials({ cell }: ArmCell, of: (trial: Trial) => number | null): number | null {
  const found = countedTrials(cell.trials).flatMap((trial) => of(trial) ?? []);
  return found.length === 0 ? null : median(found);
}

/** What the intervals of a chart are worth, in a sentence. */
export function intervalNote(cells: readonly ArmCell[]): string {
  const counts = cells.map(({ cell }) => countedTrials(cell.trials).length);
  const fewest = Math.min(...counts);
  const most = Math.max(...counts);
  if (most <= 1)
    return "One trial each: there is no interval, and no difference is shown to be more than chance.";
  const { confidence } = medianInterval(Array.from({ length: fewest }, (_, at) => at));
  const trials = fewest === most ? `${fewest} trials each` : `${fewest} to ${most} trials each`;
  return `${trials}; dots are trials, the mark is their median, the bar an interval for it (order statistics, ${Math.floor(100 * confidence)} % confidence${confidence < 0.95 ? ", the whole range" : ""}).`;
}
