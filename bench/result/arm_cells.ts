// What a report is about: the cells of one or several runs, each with the arm it belongs to.
//
//   setting   what a pool can't choose: job, target, load, late release     one chart each
//   arm       what is compared: result file, pool, cap, kick, preallocated  one row or line each
//
//   group     results that `compare` would lay side by side                 one scale each
//
// Only what varies is named. A setting or arm that nothing names is called `all`.

import { KEY_NAMES, type KeyName } from "../job/keys.ts";
import { areDisturbed, valuesOf } from "./cell_figures.ts";
import { obstacles } from "./comparable.ts";
import type { CellResult, RunResult } from "./result.ts";
import { WIDE } from "../../statistics/standing.ts";
import { medianInterval } from "../../statistics/median_interval.ts";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import type { NumberKey } from "../load/figures.ts";
import { listed } from "../../words/shown.ts";

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
  /** The judge whose base and head are a group. */
  readonly judge?: string;
}

export interface ArmCell {
  readonly cell: CellResult;
  readonly run: RunResult;
  readonly setting: string;
  readonly arm: string;
  readonly colour: number;
  readonly dash: number;
  /** Cells of one group are drawn on one scale. */
  readonly group: number;
}

export interface Subject {
  readonly runs: readonly NamedRun[];
  readonly cells: readonly ArmCell[];
  /** In the order of the files. */
  readonly settings: readonly string[];
  /** Which results are no group, and why, in a sentence each. */
  readonly apart: readonly string[];
}

/** At least one. */
type Group = [NamedRun, ...NamedRun[]];

/** Results of one judge, or those that nothing keeps apart. */
function groupsOf(runs: readonly NamedRun[]): Group[] {
  const groups: Group[] = [];
  for (const one of runs) {
    const own = groups.find(([first]) =>
      first.judge === undefined && one.judge === undefined
        ? between(first, one).length === 0
        : first.judge === one.judge,
    );
    if (own === undefined) groups.push([one]);
    else own.push(one);
  }
  return groups;
}

function between({ run: base }: NamedRun, { run: head }: NamedRun): string[] {
  return obstacles(
    base,
    head,
    [base, head].every(({ link }) => link === "virtual"),
  );
}

function apartOf([first, ...others]: readonly Group[]): string[] {
  if (first === undefined) return [];
  const [base] = first;
  return others.flatMap(([other]) => {
    if (other.judge !== undefined || base.judge !== undefined) return [];
    const names = `${base.name} and ${other.name}`;
    const why = listed(between(base, other));
    return [`${names} have charts of their own, since they differ in ${why}.`];
  });
}

/** A difference that is worth a heading though it is exact. */
const EXACT = 0.1;

export const NAMELESS = "all";

export function subjectOf(runs: readonly NamedRun[]): Subject {
  const groups = groupsOf(runs);
  const all = groups.flatMap((own, group) =>
    own.flatMap((one) => one.run.cells.map((cell) => ({ ...one, cell, group }))),
  );
  const varies = (of: (entry: (typeof all)[number]) => string): boolean =>
    new Set(all.map(of)).size > 1;
  const manyJobs = varies(({ cell }) => cell.job);
  const manyPools = varies(({ cell }) => cell.values.pool);
  /** What a group is called where there are several. */
  const nameOf = (own: Group): string => own[0].judge ?? listed(own.map(({ name }) => name));
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
  const arms = all.map(({ name, run, cell, group, judge }) => {
    const members = groups[group];
    const manyFiles = members !== undefined && members.length > 1;
    const keys = keysOf(run, cell.job);
    const named = ARM_KEYS.filter((key) => keys.includes(key));
    const own = named.map((key) => armPart(key, label(cell, key)));
    const side = judge === undefined ? `${name} (${run.arm})` : run.arm;
    const result = run.arm === "run" ? name : side;
    return {
      run,
      cell,
      group,
      own: join(own),
      first: manyPools ? label(cell, "pool") : (own[0] ?? result),
      rest: join([
        ...(manyFiles ? [result] : []),
        ...(manyPools ? own.filter((_, at) => named[at] !== "pool") : own.slice(1)),
      ]),
      arm: join([...own, ...(manyFiles ? [result] : [])]),
      setting: join([
        ...(groups.length > 1 && members !== undefined ? [nameOf(members)] : []),
        ...(manyJobs ? [cell.job] : []),
        ...keys
          .filter((key) => !ARM_KEYS.includes(key))
          .map((key) => settingPart(key, label(cell, key))),
      ]),
    };
  });
  const firsts = [...new Set(arms.map(({ first }) => first))];
  const rests = [...new Set(arms.map(({ rest }) => rest))];
  const owns = [...new Set(arms.map(({ own }) => own))];
  // An arm of one file stands beside that of the other.
  const beside = arms.toSorted((a, b) => owns.indexOf(a.own) - owns.indexOf(b.own));
  const cells = beside.map(({ first, rest, own: _, ...kept }) => ({
    ...kept,
    colour: colourOf(first, firsts),
    dash: rests.indexOf(rest),
  }));
  const settings = [...new Set(arms.map(({ setting }) => setting))];
  return { runs, cells, settings, apart: apartOf(groups) };
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

/** These, group by group: what is drawn on one scale, or ranked. */
export function byGroup<Of>(all: readonly Of[], cellOf: (one: Of) => ArmCell): Of[][] {
  return [...Map.groupBy(all, (one) => cellOf(one).group).values()];
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
