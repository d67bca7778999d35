// What a report is about: the cells of one or several runs, each with the arm it belongs to.
//
//   setting   what a pool can't choose: job, target, load, late release     one chart each
//   arm       what is compared: result file, pool, cap, kick, preallocated  one row or line each
//
// Only what varies is named. A setting or arm that nothing names is called `all`.

import { KEY_NAMES, type KeyName } from "../job/keys.ts";
import { areDisturbed, valuesOf } from "./cell_figures.ts";
import type { CellResult, RunResult } from "./result.ts";
import { WIDE } from "../../statistics/standing.ts";
import { medianInterval } from "../../statistics/median_interval.ts";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import type { NumberKey } from "../load/figures.ts";

/** Keys that make an arm; all others make a setting. */
const ARM_KEYS: readonly KeyName[] = ["pool", "pool_prealloc", "pool_cap", "kick"];

/** A median with its interval, and the values it was made from. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
}

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

/** Those that a heading may speak of: a disturbed cell says nothing about an arm. */
export function sure(cells: readonly ArmCell[]): ArmCell[] {
  return cells.filter(({ cell }) => !areDisturbed(cell.trials));
}

/** Figures come closer by chance than this: the virtual clock leaves nothing to chance. */
export function bandOf(...cells: readonly ArmCell[]): number {
  return cells.every(({ run }) => run.link === "virtual") ? EXACT : WIDE;
}

/** The figure of a cell and its trials, with an interval; Infinity: no time, as nothing ended. */
export function spreadOf({ cell }: ArmCell, key: NumberKey): Spread {
  const values = valuesOf(cell.trials, key);
  const { median, low, high } = medianInterval(values);
  return { median, low, high, values };
}

/** What an arm is called within a sentence, after its setting where there are several. */
export function within(subject: Subject, setting: string): string {
  return subject.settings.length > 1 ? ` (${setting})` : "";
}
