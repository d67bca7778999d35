// Sentences about a run, one for each finding, made from its figures and from nothing else. A claim is
// worded as what was found: where the figures contradict the theory, the sentence does.
//
// What a late release costs is what is lost against `eager`, where the link lets go at once and no pool
// has anything to do. So all pools are one there, and the base is the median of all of them: a single
// cell that something else on the machine disturbed doesn't move it.

import { parseDuration } from "../words/quantity.ts";
import { KEY_NAMES, type KeyName } from "./job/keys.ts";
import { NEVER_HELD } from "./lab/late_plan.ts";
import { median } from "./statistics/quantile.ts";
import type { CellResult, Figures } from "./result.ts";

/** Ratios within this of 1 are called the same: a trial of a second on a shared machine is no better than that. */
const BAND = 0.25;
const EAGER = "eager";
/** What may differ between a cell and its base. */
const FREE: readonly KeyName[] = ["reclaim", "late", "pool", "pool_prealloc", "pool_cap", "kick"];

interface Row {
  readonly cell: CellResult;
  readonly figures: Figures;
}

export function findings(cells: readonly CellResult[]): string[] {
  const rows = cells.flatMap((cell) =>
    cell.median === null ? [] : [{ cell, figures: cell.median }],
  );
  const failed = cells.length - rows.length;
  return [
    ...eagerHeadroom(rows),
    ...targetsOf(rows).flatMap((target) => lateRelease(rows, target)),
    ...troubles(rows),
    ...(failed === 0 ? [] : [`${count(failed, "cell")} of ${cells.length} gave no figures.`]),
  ];
}

/** Under `eager` no pool should ever take headroom. */
function eagerHeadroom(rows: readonly Row[]): string[] {
  const eager = rows.filter(({ cell }) => releaseOf(cell) === EAGER);
  if (eager.length === 0) return [];
  const taking = eager.filter(({ figures }) => figures.pool_length_peak > 0);
  if (taking.length === 0) {
    return [`Under eager release no pool took headroom: length 0 in all ${eager.length} cells.`];
  }
  const most = Math.max(...taking.map(({ figures }) => figures.pool_length_peak));
  return [
    `Under eager release ${count(taking.length, "cell")} of ${eager.length} took headroom, up to ${count(most, "buffer")} (${[...new Set(taking.map(({ cell }) => cell.values.pool))].join(", ")}).`,
  ];
}

/** What each late release does to each pool on this target. */
function lateRelease(rows: readonly Row[], target: string): string[] {
  const here = rows.filter(({ cell }) => targetOf(cell) === target);
  const models = [...new Set(here.map(({ cell }) => releaseOf(cell)))].filter(
    (model) => model !== EAGER,
  );
  return models.flatMap((model) => {
    const pairs = here
      .filter(({ cell }) => releaseOf(cell) === model)
      .flatMap((row) => {
        const base = median(
          here
            .filter(({ cell }) => releaseOf(cell) === EAGER && alike(cell, row.cell))
            .map(({ figures }) => figures.iops),
        );
        return base > 0 ? [{ ...row, base, ratio: row.figures.iops / base }] : [];
      });
    if (pairs.length === 0) return [];
    const losing = pairs.filter(({ ratio }) => ratio < 1 - BAND);
    const keeping = pairs.filter(({ ratio }) => ratio >= 1 - BAND);
    const where = `On the ${target} target under ${model}`;
    if (losing.length === 0) {
      const ratios = pairs.map(({ ratio }) => ratio);
      const rates = pairs.map(({ figures }) => figures.iops);
      return [
        `${where} nobody loses: all ${count(pairs.length, "cell")} run at ${percent(Math.min(...ratios))} to ${percent(Math.max(...ratios))} of the ${rate(pairs[0]?.base ?? 0)} commands/s under eager (${rate(Math.min(...rates))} to ${rate(Math.max(...rates))}).`,
      ];
    }
    const sentences = losing.map((row) => loss(where, row));
    if (keeping.length > 0) sentences.push(kept(where, keeping));
    return sentences;
  });
}

interface Pair extends Row {
  /** Commands a second under eager. */
  readonly base: number;
  readonly ratio: number;
}

function loss(where: string, { cell, figures, base, ratio }: Pair): string {
  const { kick, pool } = cell.values;
  const seconds = figures.runtime_ns / 1e9;
  let reason =
    figures.dry === 0
      ? "yet it was never dry, so the pool is not the reason"
      : `it was dry ${count(figures.dry, "time")}, and the link's releases or answers woke it`;
  if (figures.kicks > 0) {
    const mean = (figures.iops * seconds) / figures.kicks;
    const middle = figures.kick_commands_p50;
    const each =
      middle !== null
        ? `${middle} a kick (median; mean ${mean.toFixed(1)})`
        : `${mean.toFixed(1)} a kick`;
    const stalled = figures.kick_stall_ns / figures.runtime_ns;
    reason = `${each}, ${percent(Math.min(1, stalled))} of the time stalled`;
    // A late lab holds by its plan, and not at each kick.
    if (kick !== "on-release" && cell.values.late === "") {
      const predicted = figures.pool_preallocated / (parseDuration(kick, "kick") / 1e9);
      reason += `; all ${figures.pool_preallocated} buffers pinned at each kick predicts ${rate(predicted)}/s`;
      if (figures.iops > 1.1 * predicted)
        reason +=
          ", and answers that came after the link's release did the rest: they wake the pool between kicks";
    }
  }
  return `${where} \`${pool}\` (kick ${kick}) falls to ${rate(figures.iops)} commands/s, ${percent(ratio)} of the ${rate(base)} under eager: ${reason}.`;
}

function kept(where: string, pairs: readonly Pair[]): string {
  const parts = pairs.map(({ cell, figures, ratio }) => {
    const headroom =
      figures.pool_length_peak === 0
        ? "no extra buffer"
        : `${count(figures.pool_length_peak, "extra buffer")} of ${figures.pool_cap ?? "any number"}`;
    return `\`${cell.values.pool}\` (kick ${cell.values.kick}) ${rate(figures.iops)}, ${percent(ratio)}, ${headroom}`;
  });
  return `${where} these keep their rate: ${parts.join("; ")}.`;
}

/** What would make the figures doubtful. */
function troubles(rows: readonly Row[]): string[] {
  const sentences: string[] = [];
  const with_ = (what: (figures: Figures) => number): [number, number] => {
    const found = rows.map(({ figures }) => what(figures)).filter((value) => value > 0);
    return [found.length, found.reduce((sum, value) => sum + value, 0)];
  };
  const [mismatched, mismatches] = with_((figures) => figures.mismatches);
  if (mismatched > 0) {
    sentences.push(`${count(mismatches, "sector")} read wrong, in ${count(mismatched, "cell")}.`);
  }
  const [resent, retransmits] = with_((figures) => figures.retransmits);
  const [dropping, drops] = with_((figures) => figures.receive_drops);
  if (resent > 0) {
    sentences.push(
      `${count(retransmits, "frame")} had to be sent again, in ${count(resent, "cell")}; the sockets dropped ${count(drops, "frame")}${dropping > 0 ? ` in ${count(dropping, "cell")}` : ""}.`,
    );
  }
  const unlawful = rows.filter(({ figures }) => !figures.littles_law_holds).length;
  if (unlawful > 0)
    sentences.push(
      `Little's law fails in ${count(unlawful, "cell")}: its times are not to be trusted.`,
    );
  return sentences;
}

/** When the link lets go: by its model, by the plan of a late lab, or at once. */
function releaseOf({ values, axes }: CellResult): string {
  const { late } = values;
  const parts = [
    ...(values.reclaim === EAGER ? [] : [values.reclaim]),
    ...(late === "" || late === NEVER_HELD ? [] : [`late ${axes.late ?? late}`]),
  ];
  return parts.length === 0 ? EAGER : parts.join(" and ");
}

/** The target's label, or its service model, or what it is without one. */
function targetOf(cell: CellResult): string {
  return cell.axes.service ?? (cell.values.service === "" ? "plain" : cell.values.service);
}
function targetsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.map(({ cell }) => targetOf(cell)))];
}

/** The same but for the release and the pool. */
function alike(a: CellResult, b: CellResult): boolean {
  return (
    a.job === b.job &&
    KEY_NAMES.every((key) => FREE.includes(key) || a.values[key] === b.values[key])
  );
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(ratio < 0.0995 ? 1 : 0)} %`;
}
/** A rate with a separator of thousands. */
export function rate(perSecond: number): string {
  return Math.round(perSecond).toLocaleString("en-US");
}
