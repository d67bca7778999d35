// Sentences about a run, one for each finding. A finding is a claim: it is made where the figures could have refuted
// it and did not, and says no more than they do.
//
//   claim                          what would refute it
//   no pool took an extra buffer   one that did, among pools that could have
//   a pool runs at a part of …     a trial of its that comes within 25 % of one under eager
//   a pool keeps its rate          a trial of its that is not within 25 % of every one under eager
//   buffers came back in between   no more commands from one kick to the next than the pool has buffers
//
// Where trials say both nothing is claimed and the ranges are told. A cell whose trials others disturbed is in no
// claim. What a late release costs is what is lost against `eager`, where the link releases at once and no pool has
// anything to do: so all pools are one there, and the base is all of their trials together.

import { parseDuration } from "../../words/quantity.ts";
import { areDisturbed, countedTrials, valuesOf } from "./cell_figures.ts";
import { KEY_NAMES, type KeyName } from "../job/keys.ts";
import { NEVER_HELD } from "../../lab/late_plan.ts";
import type { CellResult } from "./result.ts";
import { standing, WIDE } from "../../statistics/standing.ts";
import { median } from "../../statistics/quantile.ts";
import type { Figures } from "../load/figures.ts";
import { rate } from "../../words/shown.ts";

const EAGER = "eager";
/** What may differ between a cell and its base. */
const FREE: readonly KeyName[] = ["reclaim", "late", "pool", "pool_prealloc", "pool_cap", "kick"];
/** One has no extra buffers, the other nothing else. */
const WITHOUT_CHOICE = ["fixed", "per-send"];

interface Row {
  readonly cell: CellResult;
  readonly figures: Figures;
  /** IOPS of each trial. */
  readonly rates: readonly number[];
}

export function findings(cells: readonly CellResult[]): string[] {
  const all = cells.flatMap((cell): Row[] =>
    cell.median === null
      ? []
      : [{ cell, figures: cell.median, rates: valuesOf(cell.trials, "iops") }],
  );
  const rows = all.filter(({ cell }) => !areDisturbed(cell.trials));
  const failed = cells.length - all.length;
  const disturbed = all.length - rows.length;
  return [
    ...eagerHeadroom(rows),
    ...[...new Set(rows.map(placeOf))].flatMap((place) =>
      lateRelease(rows.filter((row) => placeOf(row) === place)),
    ),
    ...troubles(cells),
    ...(disturbed === 0
      ? []
      : [
          `${count(disturbed, "cell")} of ${cells.length} had half of the trials disturbed or more: no finding is made from ${disturbed === 1 ? "it" : "them"}.`,
        ]),
    ...(failed === 0 ? [] : [`${count(failed, "cell")} of ${cells.length} gave no figures.`]),
  ];
}

/** Under `eager` no pool should ever take headroom. */
function eagerHeadroom(rows: readonly Row[]): string[] {
  const able = rows.filter(
    ({ cell, figures }) =>
      releaseOf(cell) === EAGER &&
      !WITHOUT_CHOICE.includes(cell.values.pool) &&
      figures.pool_cap !== 0 &&
      figures.iops > 0,
  );
  if (able.length === 0) return [];
  const taking = able.filter(({ figures }) => figures.pool_length_peak > 0);
  const where = `Under eager release ${count(taking.length, "cell")} of ${able.length} whose pool could`;
  if (taking.length === 0) {
    return [
      `Under eager release no pool took an extra buffer, in ${count(able.length, "cell")} whose pool could.`,
    ];
  }
  const most = Math.max(...taking.map(({ figures }) => figures.pool_length_peak));
  const pools = [...new Set(taking.map(({ cell }) => cell.values.pool))].join(", ");
  return [`${where} took extra buffers, up to ${most} (${pools}).`];
}

interface Pair extends Row {
  /** IOPS of every trial under eager. */
  readonly base: readonly number[];
}

/** What each late release does to each pool in one place. */
function lateRelease(here: readonly Row[]): string[] {
  const models = [...new Set(here.map(({ cell }) => releaseOf(cell)))].filter(
    (model) => model !== EAGER,
  );
  return models.flatMap((model) => {
    const pairs = here
      .filter(({ cell }) => releaseOf(cell) === model)
      .flatMap((row): Pair[] => {
        const base = here
          .filter(({ cell }) => releaseOf(cell) === EAGER && alike(cell, row.cell))
          .flatMap(({ rates }) => rates);
        return base.length === 0 ? [] : [{ ...row, base }];
      });
    const as = (wanted: readonly string[]): Pair[] =>
      pairs.filter(({ rates, base }) => wanted.includes(standing(rates, base)));
    const where = `${here[0] === undefined ? "" : placeOf(here[0])} under ${model}`;
    return [
      ...as(["below"]).map((pair) => loss(where, pair)),
      ...kept(where, as(["beside"])),
      ...as(["above", "unclear"]).map((pair) => unclear(where, pair)),
    ];
  });
}

function loss(where: string, pair: Pair): string {
  const { cell, figures, base } = pair;
  return `${where} ${name(cell)} runs at ${rate(figures.iops)} IOPS, ${percent(figures.iops / median(base))} of the ${rate(median(base))} under eager: ${whatHappened(pair)}.`;
}

/** What was counted while the pool was slower; no more than that. */
function whatHappened({ cell, figures }: Pair): string {
  const { kick, late, initiators } = cell.values;
  const { dry, kicks, kick_stall_ns: stalled, kick_commands_p50: each } = figures;
  if (kicks === 0 && stalled === 0) {
    return dry === 0
      ? "it was never dry, so no command waited for a buffer"
      : `it was dry ${count(dry, "time")} and waited for no kick`;
  }
  const share = stalled / (figures.runtime_ns * Number(initiators));
  const told = `${percent(Math.min(1, share))} of the time stalled, ${count(kicks, "kick")}`;
  if (each === null) return told;
  const buffers = figures.pool_preallocated + figures.pool_length_peak;
  const between = `${told}, ${each} commands from one to the next (median)`;
  // More than it has can't end without one that was used twice. A late lab holds by its plan, not at each kick.
  if (each > buffers) {
    return `${between}: more than its ${count(buffers, "buffer")}, so some came back in between`;
  }
  if (kick === "on-release" || late !== "") return between;
  const predicted = buffers / (parseDuration(kick, "kick") / 1e9);
  return `${between}; ${count(buffers, "buffer")} each ${kick} make ${rate(predicted)} IOPS`;
}

function kept(where: string, pairs: readonly Pair[]): string[] {
  if (pairs.length === 0) return [];
  const parts = pairs.map(({ cell, figures, base }) => {
    const headroom =
      figures.pool_length_peak === 0
        ? "no extra buffer"
        : `${count(figures.pool_length_peak, "extra buffer")} of ${figures.pool_cap ?? "any number"}`;
    return `${name(cell)} ${rate(figures.iops)} IOPS, ${percent(figures.iops / median(base))}, ${headroom}`;
  });
  return [`${where} these keep their rate within ${percent(WIDE)}: ${parts.join("; ")}.`];
}

function unclear(where: string, { cell, rates, base }: Pair): string {
  return `${where} ${name(cell)} is not decided: ${range(rates)} IOPS, ${range(base)} under eager.`;
}

/** What would make the figures doubtful, counted over every trial. */
function troubles(cells: readonly CellResult[]): string[] {
  const sentences: string[] = [];
  const told = (key: "mismatches" | "retransmits"): { sum: number; cells: number } => {
    const sums = cells.map(({ trials }) =>
      trials.reduce((sum, { figures }) => sum + (figures?.[key] ?? 0), 0),
    );
    return {
      sum: sums.reduce((sum, value) => sum + value, 0),
      cells: sums.filter((value) => value > 0).length,
    };
  };
  const wrong = told("mismatches");
  if (wrong.sum > 0) {
    sentences.push(`${count(wrong.sum, "sector")} read wrong, in ${count(wrong.cells, "cell")}.`);
  }
  const resent = told("retransmits");
  if (resent.sum > 0) {
    const drops = cells.flatMap(({ trials }) => trials.flatMap((trial) => trial.drops ?? []));
    const lost = drops.reduce(
      (sum, { initiator, target }) => sum + initiator.receive + (target?.receive ?? 0),
      0,
    );
    const side = drops.every(({ target }) => target !== null) ? "both ends" : "the initiators";
    sentences.push(
      `${count(resent.sum, "frame")} ${resent.sum === 1 ? "was" : "were"} sent again, in ${count(resent.cells, "cell")}; ${side} counted ${count(lost, "frame")} lost because a receive buffer was full.`,
    );
  }
  const counted = cells.flatMap(({ trials }) => countedTrials(trials));
  const unlawful = counted.filter(({ figures }) => !figures.littles_law_holds).length;
  if (unlawful > 0) {
    sentences.push(
      `Little's law fails in ${unlawful} of ${count(counted.length, "trial")}: their times are not to be trusted.`,
    );
  }
  return sentences;
}

/** When the link releases: by its model, by the plan of a late lab, or at once. */
function releaseOf({ values, axes }: CellResult): string {
  const { late } = values;
  const parts = [
    ...(values.reclaim === EAGER ? [] : [values.reclaim]),
    ...(late === "" || late === NEVER_HELD ? [] : [`late ${axes.late ?? late}`]),
  ];
  return parts.length === 0 ? EAGER : parts.join(" and ");
}

/** The job, and the target by its label, its service model or what it is without one. */
function placeOf({ cell: { axes, job, values } }: Pick<Row, "cell">): string {
  const target = axes.service ?? (values.service === "" ? "plain" : values.service);
  return `In ${job}, on the ${target} target`;
}

/** The same but for the release and the pool. */
function alike(a: CellResult, b: CellResult): boolean {
  return (
    a.job === b.job &&
    KEY_NAMES.every((key) => FREE.includes(key) || a.values[key] === b.values[key])
  );
}

/** By pool, kick and all else that varies but for what stands before it in the sentence. */
function name({ axes, values }: CellResult): string {
  const others = KEY_NAMES.filter((key) => axes[key] !== undefined && !TOLD.includes(key));
  const parts = [`kick ${values.kick}`, ...others.map((key) => `${key} ${axes[key]}`)];
  return `\`${values.pool}\` (${parts.join(", ")})`;
}
const TOLD: readonly KeyName[] = ["pool", "kick", "service", "reclaim", "late"];
function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.0995 ? 1 : 0)} %`;
}
/** `4,000`, or `3,900 to 4,100`. */
function range(values: readonly number[]): string {
  const [least, most] = [rate(Math.min(...values)), rate(Math.max(...values))];
  return least === most ? least : `${least} to ${most}`;
}
