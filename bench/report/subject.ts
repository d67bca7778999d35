// What a report is about: the cells of one or several runs, each with the arm it belongs to.
//
//   setting   what a pool can't choose: job, target, load, late release     one chart each
//   arm       what is compared: result file, pool, cap, kick, preallocated  one row or line each
//
// Only what varies is named. A setting or arm that nothing names is called `all`.

import type { Axis, Spread } from "./report.ts";
import type { Column } from "./figure.ts";
import { KEY_NAMES, type KeyName } from "../job/keys.ts";
import { areDisturbed, countedTrials, valuesOf } from "../result/cell_figures.ts";
import type { CellResult, RunResult, Trial } from "../result/result.ts";
import { WIDE } from "../../statistics/standing.ts";
import { median } from "../../statistics/quantile.ts";
import { medianInterval } from "../../statistics/median_interval.ts";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import type { NumberKey } from "../load/figures.ts";
import { plural } from "../../words/shown.ts";

/** Keys that make an arm; all others make a setting. */
const ARM_KEYS: readonly KeyName[] = ["pool", "pool_prealloc", "pool_cap", "kick"];

/** A result as it came from its file. */
export interface NamedRun {
  /** The file's name, without folder and `.json`. */
  readonly name: string;
  readonly run: RunResult;
}

export interface ArmCell {
  readonly cell: CellResult;
  readonly run: RunResult;
  readonly setting: string;
  readonly arm: string;
  readonly colour: number;
  readonly dash: number;
}

export interface Subject {
  readonly runs: readonly NamedRun[];
  readonly cells: readonly ArmCell[];
  /** In the order of the files. */
  readonly settings: readonly string[];
}

/** A difference that is worth a heading though it is exact. */
const EXACT = 0.1;

export const NAMELESS = "all";

export function subjectOf(runs: readonly NamedRun[]): Subject {
  const all = runs.flatMap(({ name, run }) => run.cells.map((cell) => ({ name, run, cell })));
  const varies = (of: (entry: (typeof all)[number]) => string): boolean =>
    new Set(all.map(of)).size > 1;
  const manyFiles = runs.length > 1;
  const manyJobs = varies(({ cell }) => cell.job);
  const manyPools = varies(({ cell }) => cell.values.pool);
  const manyLinks = varies(({ run }) => run.link);
  // What differs only between jobs or files is told by their names.
  const keysOf = (run: RunResult, job: string): KeyName[] => {
    const cells = run.cells.filter((cell) => cell.job === job);
    return KEY_NAMES.filter((key) => new Set(cells.map(({ values }) => values[key])).size > 1);
  };
  const label = (cell: CellResult, key: KeyName): string => {
    const text = cell.axes[key] ?? cell.values[key];
    return text === "" ? `no ${key}` : text;
  };
  const join = (parts: readonly string[]): string => parts.join(" · ") || NAMELESS;
  const arms = all.map(({ name, run, cell }) => {
    const keys = keysOf(run, cell.job);
    const named = ARM_KEYS.filter((key) => keys.includes(key));
    const own = named.map((key) => armPart(key, label(cell, key)));
    const result = run.arm === "run" ? name : `${name} (${run.arm})`;
    return {
      run,
      cell,
      first: manyPools ? label(cell, "pool") : (own[0] ?? result),
      rest: join([
        ...(manyFiles ? [result] : []),
        ...(manyPools ? own.filter((_, at) => named[at] !== "pool") : own.slice(1)),
      ]),
      arm: join([...own, ...(manyFiles ? [result] : [])]),
      setting: join([
        ...(manyLinks ? [`${run.link} link`] : []),
        ...(manyJobs ? [cell.job] : []),
        ...keys
          .filter((key) => !ARM_KEYS.includes(key))
          .map((key) => settingPart(key, label(cell, key))),
      ]),
    };
  });
  const firsts = [...new Set(arms.map(({ first }) => first))];
  const rests = [...new Set(arms.map(({ rest }) => rest))];
  const cells = arms.map(({ first, rest, ...kept }) => ({
    ...kept,
    colour: colourOf(first, firsts),
    dash: rests.indexOf(rest),
  }));
  return { runs, cells, settings: [...new Set(cells.map(({ setting }) => setting))] };
}

/** A pool has its own colour in every report; whatever else comes in the order of the file. */
function colourOf(name: string, names: readonly string[]): number {
  const strategies: readonly string[] = STRATEGIES;
  return strategies.includes(name) ? strategies.indexOf(name) : names.indexOf(name);
}

function armPart(key: KeyName, text: string): string {
  if (key === "pool") return text;
  if (key === "kick") return `kick ${text}`;
  return `${key === "pool_cap" ? "cap" : "preallocated"} ${text}`;
}

function settingPart(key: KeyName, text: string): string {
  if (key === "service") return `${text} target`;
  if (key === "iodepth") return `depth ${text}`;
  if (key === "reclaim" || key === "rw") return text;
  return `${key} ${text}`;
}

/** The same lines with the dashes that a chart of them needs, the first unbroken. */
export function evenDashes<Line extends { readonly dash: number }>(lines: readonly Line[]): Line[] {
  const dashes = [...new Set(lines.map(({ dash }) => dash))].sort((a, b) => a - b);
  return lines.map((line) => ({ ...line, dash: dashes.indexOf(line.dash) }));
}

/** The cells of a setting that have figures. */
export function measured(subject: Subject, setting: string): ArmCell[] {
  return subject.cells.filter((cell) => cell.setting === setting && cell.cell.median !== null);
}

/** All of the subject's, setting by setting. */
export function allMeasured(subject: Subject): ArmCell[] {
  return subject.settings.flatMap((setting) => measured(subject, setting));
}

/** The settings that these have, in their order. */
export function settingsOf(cells: readonly ArmCell[]): string[] {
  return [...new Set(cells.map(({ setting }) => setting))];
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

/** Those that a heading may speak of: a cell whose trials others disturbed says nothing about an arm. */
export function sure(cells: readonly ArmCell[]): ArmCell[] {
  return cells.filter(({ cell }) => !areDisturbed(cell.trials));
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

/** Figures of these two come closer by chance than this: under the virtual clock nothing is left to chance. */
export function bandOf(...cells: readonly ArmCell[]): number {
  return cells.every(({ run }) => run.link === "virtual") ? EXACT : WIDE;
}

/** The figure of a cell, its interval and those of its trials; Infinity where there is no time, since nothing ended. */
export function spreadOf({ cell }: ArmCell, key: NumberKey): Spread {
  const values = valuesOf(cell.trials, key);
  const { median, low, high } = medianInterval(values);
  return { median, low, high, values };
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

/** What an arm is called within a sentence, after its setting where there are several. */
export function within(subject: Subject, setting: string): string {
  return subject.settings.length > 1 ? ` (${setting})` : "";
}
