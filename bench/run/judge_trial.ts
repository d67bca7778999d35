// What a trial comes to, out of what its processes have left, wherever they ran.

import { EXIT } from "../../words/failure.ts";
import type { LoadResult } from "../load/figures.ts";
import { endedWith } from "../machine/child.ts";
import type { ClosingFigures } from "../machine/closing_figures.ts";
import type { Trial } from "../result/result.ts";
import { upgradeFigures } from "../result/upgrade.ts";
import { aoeBlock, versionOf, wholeDrops, wholeFigures } from "./whole_trial.ts";

/** Others' share of the trial's CPUs above which a trial counts as disturbed. */
export const DISTURBED = 0.25;

export interface TrialPlace {
  readonly order: number;
  readonly attempt: number;
  /** Against the null target: the harness's floor. */
  readonly floor?: boolean;
}

/** What its processes have left. */
export interface Ran {
  /** The first load's that failed, else the first target's. */
  readonly code: number;
  readonly elapsed: number;
  /** CPU time of its processes, and of all others meanwhile; null: not known. */
  readonly cpu: number | null;
  readonly others: number | null;
  readonly steal: number;
  /** How many CPUs it ran on; null: nobody can disturb it. */
  readonly cpus: number | null;
  readonly places: readonly Omit<LoadResult, "figures" | "fio">[];
  /** What each load wrote. */
  readonly documents: readonly string[];
  readonly loadSaid: string;
  readonly targetSaid: string;
  readonly closing: readonly (ClosingFigures | null)[];
  readonly start: Trial["start"];
  /** What went wrong beside the processes' own words. */
  readonly wrong?: string;
}

export function judgeTrial(place: TrialPlace, ran: Ran): Trial {
  const { code, elapsed, others } = ran;
  const usable = code === EXIT.done || code === EXIT.failed;
  const loads = usable ? loadsOf(ran) : [];
  const whole = loads.length > 0;
  const ended = code === EXIT.done || (code === EXIT.failed && stoodStill(loads));
  const well = whole && ended && ran.wrong === undefined;
  // The target has a say where nobody answered: it is the one that failed.
  const target = code === EXIT.notFound ? ran.targetSaid : "";
  return {
    order: place.order,
    attempt: place.attempt,
    disturbed: ran.cpus !== null && others !== null && others > DISTURBED * elapsed * ran.cpus,
    exit_code: code,
    failure: well ? null : (ran.wrong ?? endedWith(code, ran.loadSaid, target)),
    elapsed_ns: elapsed,
    cpu_ns: ran.cpu,
    others_cpu_ns: others,
    steal_ns: ran.steal,
    figures: wholeFigures(loads),
    start: ran.start,
    loads,
    drops: whole ? wholeDrops(loads, ran.closing) : null,
  };
}

/** All loads, or none where one gave no document. */
function loadsOf({ places, documents }: Ran): LoadResult[] {
  const loads = places.flatMap((place, index): LoadResult[] => {
    const fio = documentOf(documents[index] ?? "");
    const figures = fio === null ? undefined : aoeBlock(fio).figures;
    if (fio === null || figures === undefined) return [];
    return [{ ...place, figures: upgradeFigures(figures, versionOf(fio)), fio }];
  });
  return loads.length === places.length ? loads : [];
}

/** Null: nothing whole. */
export function documentOf(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

/**
 * A load in which no command ended has failed, yet its trial has not: a rate of 0 is what was
 * measured. Only where nothing else was wrong.
 */
function stoodStill(loads: readonly LoadResult[]): boolean {
  return (
    loads.some(({ figures }) => figures.iops === 0) &&
    loads.every(({ figures }) => figures.failures === 0 && figures.mismatches === 0)
  );
}
