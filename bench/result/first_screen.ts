// What whoever changes a pool asks first of a result, made once for page, terminal and Markdown:
// a matrix setting by arm, and one sentence for each question.
//
//   matrix    throughput with its interval, p99, extra buffers taken, and whether to trust them
//   needed    arms with extra buffers beside those without, of one setting and kick (standing.ts)
//   enough    the knee of caps that were tried, else the most taken; and what the link predicts
//   change    what the judge says of base and head; made by the caller
//
// Nothing is measured here, and no sentence says more than its trials do.

import {
  type ArmCell,
  bandOf,
  measured,
  NAMELESS,
  type Spread,
  spreadOf,
  type Subject,
  sure,
} from "./arm_cells.ts";
import { areDisturbed, countedTrials } from "./cell_figures.ts";
import type { Figures } from "../load/figures.ts";
import { type CapLine, capLines, predictedKnees } from "./knee.ts";
import { standing } from "../../statistics/standing.ts";
import { listed, rate, shownTime } from "../../words/shown.ts";

export interface Entry {
  readonly setting: string;
  readonly arm: string;
  /** null: no trial ended well. */
  readonly figures: Figures | null;
  readonly iops: Spread;
  /** What makes the figures doubtful; empty: nothing is known that does. */
  readonly doubts: readonly string[];
  /** Under the virtual clock: the same on every machine. */
  readonly exact: boolean;
}

export interface Answer {
  readonly question: string;
  readonly answer: string;
}

export interface FirstScreen {
  /** Setting by setting. */
  readonly entries: readonly Entry[];
  readonly answers: readonly Answer[];
}

/** `change`: what the judge says, where base and head are compared. */
export function firstScreen(subject: Subject, change: string | null = null): FirstScreen {
  const cases = subject.settings.flatMap((setting) => casesOf(subject, setting)).map(judged);
  return {
    entries: subject.settings.flatMap((setting) =>
      subject.cells.filter((cell) => cell.setting === setting).map(entryOf),
    ),
    answers: [
      { question: "Is headroom needed here?", answer: isNeeded(cases) },
      { question: "How much is enough?", answer: howMuch(subject, cases) },
      ...(change === null ? [] : [{ question: "What did the change do?", answer: change }]),
    ],
  };
}

function entryOf(armCell: ArmCell): Entry {
  const { setting, arm, cell, run } = armCell;
  const exact = run.link === "virtual";
  const [iops, doubts] = [spreadOf(armCell, "iops"), doubtsOf(armCell, exact)];
  return { setting, arm, exact, figures: cell.median, iops, doubts };
}

/** The interval of the throughput, where trials make one: `199,000 – 201,000`. */
export function intervalText({ iops: { high, low, values } }: Entry): string {
  return values.length < 2 ? "" : `${rate(low)} – ${rate(high)}`;
}

/** The most extra buffers of any trial, and how many there could be. */
export function headroomText({ figures }: Entry): string {
  if (figures === null) return "";
  const { pool_cap: cap, pool_length_peak: taken } = figures;
  return cap === 0 ? "–" : `${taken} of ${cap ?? "any"}`;
}

/** Whether to trust the figures, or why not. */
export function trustText({ doubts, exact }: Entry): string {
  if (doubts.length > 0) return `no: ${doubts.join(", ")}`;
  return exact ? "exact" : "yes";
}

function doubtsOf({ cell }: ArmCell, exact: boolean): string[] {
  const { median, trials } = cell;
  const counted = countedTrials(trials);
  const of = (some: number, all: number): string => (all === 1 ? "" : ` ${some} of ${all}`);
  const failed = trials.length - counted.length;
  const disturbed = counted.filter((trial) => trial.disturbed).length;
  const unlawful = counted.filter(({ figures }) => !figures.littles_law_holds).length;
  return [
    ...(trials.length === 0 ? ["not run"] : []),
    ...(failed > 0 ? [`failed${of(failed, trials.length)}`] : []),
    ...(counted.length > 0 && areDisturbed(trials)
      ? [`disturbed${of(disturbed, counted.length)}`]
      : []),
    ...((median?.mismatches ?? 0) > 0 ? ["wrong data"] : []),
    ...((median?.failures ?? 0) > 0 ? ["commands failed"] : []),
    ...(unlawful > 0 ? [`Little's law fails${of(unlawful, counted.length)}`] : []),
    ...(counted.length === 1 && !exact ? ["one trial"] : []),
  ];
}

/** Arms that differ in nothing but how many extra buffers they may take. */
interface Case {
  readonly name: string;
  readonly cells: readonly ArmCell[];
  readonly able: readonly ArmCell[];
  readonly without: readonly ArmCell[];
  readonly disturbed: boolean;
}

function casesOf(subject: Subject, setting: string): Case[] {
  const all = measured(subject, setting).filter(({ cell }) => cell.values.pool !== "per-send");
  const groups = Map.groupBy(all, ({ cell: { values }, run }) =>
    JSON.stringify([
      subject.runs.findIndex((one) => one.run === run),
      values.kick,
      values.pool_prealloc,
    ]),
  );
  const kicks = new Set(all.map(({ cell }) => cell.values.kick)).size > 1;
  return [...groups.values()].flatMap((cells): Case[] => {
    const able = cells.filter(({ cell }) => cell.median?.pool_cap !== 0);
    const [first] = able;
    if (first === undefined) return [];
    const parts = [
      ...(setting === NAMELESS ? [] : [setting]),
      ...(kicks ? [`kick ${first.cell.values.kick}`] : []),
    ];
    return [
      {
        name: parts.join(" · "),
        cells,
        able: sure(able),
        without: sure(cells.filter((cell) => !able.includes(cell))),
        disturbed: sure(cells).length < cells.length,
      },
    ];
  });
}

type Need = "yes" | "no" | "untaken" | "alone" | "unclear" | "disturbed";

interface Judged extends Case {
  readonly need: Need;
  /** The best without and with extra buffers. */
  readonly pair: readonly [ArmCell, ArmCell] | null;
  readonly taken: number;
}

/** Where the rate is given latency is what can differ. */
function isOpen({ cell }: ArmCell): boolean {
  return cell.values.rate_iops !== "0";
}

function best(cells: readonly ArmCell[]): ArmCell | undefined {
  const value = (cell: ArmCell): number =>
    isOpen(cell) ? -spreadOf(cell, "lat_p99_ns").median : spreadOf(cell, "iops").median;
  return cells.toSorted((a, b) => value(b) - value(a))[0];
}

function judged(one: Case): Judged {
  const { able, without, disturbed } = one;
  const taken = Math.max(0, ...able.map(({ cell }) => cell.median?.pool_length_peak ?? 0));
  const [with_, bare] = [best(able), best(without)];
  if (with_ === undefined) return { ...one, need: "disturbed", pair: null, taken };
  if (taken === 0 && !disturbed) return { ...one, need: "untaken", pair: null, taken };
  if (bare === undefined) {
    return { ...one, need: disturbed ? "disturbed" : "alone", pair: null, taken };
  }
  const key = isOpen(with_) ? "lat_p99_ns" : "iops";
  const [a, b] = [spreadOf(bare, key).values, spreadOf(with_, key).values];
  const found = standing(a, b, bandOf(bare, with_));
  const worse = key === "iops" ? "below" : "above";
  const need = found === worse ? "yes" : found === "unclear" ? "unclear" : "no";
  return { ...one, need, pair: [bare, with_], taken };
}

function isNeeded(cases: readonly Judged[]): string {
  if (cases.length === 0) return "Not asked: no arm could take extra buffers.";
  const parts: string[] = [];
  for (const [need, word, why] of ANSWERS) {
    const [first, ...more] = cases
      .filter((one) => one.need === need)
      .toSorted((a, b) => lossOf(a) - lossOf(b));
    if (first === undefined) continue;
    const of = parts.length > 0 ? "" : ` of ${cases.length} settings`;
    const count = cases.length === 1 ? "" : ` in ${1 + more.length}${of}`;
    const named = first.name !== "" && (more.length === 0 || first.pair !== null);
    const which = named ? `, ${more.length === 0 ? "" : "most in "}${first.name}` : "";
    parts.push(`${word}${count}${which}: ${why(first)}`);
  }
  const text = parts.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

const ANSWERS: readonly (readonly [Need, string, (one: Judged) => string])[] = [
  ["yes", "yes", beside],
  ["no", "no", beside],
  ["untaken", "no", () => "no pool took an extra buffer"],
  ["alone", "not decided", ({ taken }) => `up to ${taken} taken, and no arm without to compare`],
  ["unclear", "not decided", (one) => `trials overlap, ${beside(one)}`],
  ["disturbed", "not decided", () => "others used the CPUs in half of the trials or more"],
];

/** What is kept without extra buffers, as a share. */
function lossOf({ pair }: Judged): number {
  if (pair === null) return 1;
  const [bare, with_] = pair;
  if (isOpen(with_))
    return spreadOf(with_, "lat_p99_ns").median / spreadOf(bare, "lat_p99_ns").median;
  return spreadOf(bare, "iops").median / spreadOf(with_, "iops").median;
}

function beside({ pair }: Judged): string {
  if (pair === null) return "";
  const [bare, with_] = pair;
  const value = (cell: ArmCell): string =>
    isOpen(with_)
      ? `p99 ${shownTime(spreadOf(cell, "lat_p99_ns").median)}`
      : `${rate(spreadOf(cell, "iops").median)} IOPS`;
  return `${value(bare)} without (${bare.arm}), ${value(with_)} with (${with_.arm})`;
}

function howMuch(subject: Subject, cases: readonly Judged[]): string {
  if (cases.length === 0) return "Not asked: no arm could take extra buffers.";
  const lines = subject.settings.flatMap((setting) => capLines(subject, setting));
  const of = (...needs: Need[]): Judged[] => cases.filter(({ need }) => needs.includes(need));
  const asked = of("yes", "alone", "unclear", "disturbed");
  const cells = [...lines.flatMap((line) => line.cells), ...asked.flatMap(({ cells }) => cells)];
  const knees = [...new Set(predictedKnees(cells).map(({ knee }) => knee))];
  const predicted =
    knees.length === 0
      ? "nothing is predicted for this release"
      : `predicted ${listed(knees.map(String))}, what the link holds less what is preallocated`;
  const found = foundKnees(subject, lines);
  if (found !== null) return `${found}; ${predicted}.`;
  const taken = Math.max(0, ...of("yes", "alone").map((one) => one.taken));
  if (taken > 0) {
    const how = "`pool_cap` as a list finds the least";
    return `No more than ${taken} were taken; ${predicted}; ${how}.`;
  }
  return asked.length === 0 ? "None: no arm needed any." : `Not decided; ${predicted}.`;
}

function foundKnees(subject: Subject, lines: readonly CapLine[]): string | null {
  if (lines.length === 0) return null;
  const known = lines.filter(({ knee }) => knee !== null);
  if (known.length === 0) {
    return lines.some(({ doubtful }) => doubtful)
      ? "Not found: trials with smaller and with larger caps overlap, or were disturbed"
      : "Not found: the rate still rises at the largest cap tried";
  }
  const name = ({ label, setting, knee }: CapLine): string =>
    `${knee} (${label}${subject.settings.length > 1 ? `, ${setting}` : ""})`;
  return `Found ${listed(known.slice(0, 3).map(name))}, the least cap that keeps the rate`;
}
