// What each claim needs of the figures. Exact figures (virtual clock) say what the algorithms do; those of raw
// sockets whether it shows on this machine; where the two disagree, the sentence says so.

import type { CellResult, RunResult } from "../result/result.ts";
import { median } from "../../statistics/quantile.ts";
import { type Claim, type ClaimVerdict, verdictOf } from "./claim.ts";
import type { LaneFigures, Lanes } from "./receive_lane.ts";
import type { WriteBackOutcome } from "./writeback.ts";
import type { Figures } from "../load/figures.ts";
import { rate, shownTime } from "../../words/shown.ts";

/** A rate within this share of another keeps it; a machine with neighbours tells no finer. */
const KEPT = 0.7;
/** 16 commands a millisecond: slower is no fast target where pins last one. */
const FAST = 16_000;

type Row = Readonly<Record<string, string | number | null>>;

export interface Both {
  readonly exact: RunResult;
  readonly real: RunResult;
}

function rows(both: Both): Row[] {
  return [both.exact, both.real].flatMap(({ link, cells }) =>
    cells.map((cell) => ({
      link,
      ...cell.axes,
      iops: Math.round(cell.median?.iops ?? 0),
      lat_p50_ns: cell.median?.lat_p50_ns ?? null,
      pool_length_peak: cell.median?.pool_length_peak ?? null,
      allocations: cell.median?.allocations ?? null,
      pool_touches: cell.median?.pool_touches ?? null,
      head_blocked: cell.median?.head_blocked ?? null,
      dry: cell.median?.dry ?? null,
      kicks: cell.median?.kicks ?? null,
      kick_stall_ns: cell.median?.kick_stall_ns ?? null,
    })),
  );
}

function of(result: RunResult, wanted: Partial<CellResult["values"]>): Figures[] {
  return result.cells.flatMap((cell) =>
    cell.median !== null &&
    Object.entries(wanted).every(([key, text]) => cell.values[key as keyof typeof wanted] === text)
      ? [cell.median]
      : [],
  );
}
const iops = (all: readonly Figures[]): number => median(all.map((figures) => figures.iops));
const peak = (all: readonly Figures[], what: (figures: Figures) => number): number =>
  Math.max(...all.map(what));

/** A rate that late release can't exceed, beside it: beyond this the machine is what was measured. */
const PLAUSIBLE = 1.3;

/**
 * Why figures of raw sockets decide nothing, for a claim and against it alike; null: they do. `bounded`: rates with what
 * they can't exceed.
 */
function doubtOf(
  result: RunResult,
  bounded: readonly (readonly [rate: number, limit: number])[] = [],
): string | null {
  const trials = result.cells.flatMap((cell) => cell.trials);
  const disturbed = trials.filter((trial) => trial.disturbed).length;
  const empty = result.cells.filter(
    ({ median: figures }) => figures === null || figures.iops === 0,
  );
  // A pool that stands still for good is a finding; a machine on which half of the pools do is none.
  if (trials.length === 0 || 2 * empty.length >= result.cells.length) {
    return `${empty.length} of ${result.cells.length} cells have no figures; longer trials (\`runtime\`) may have some`;
  }
  if (2 * disturbed >= trials.length) return disturbedIn(disturbed, trials.length);
  const over = bounded.find(([found, limit]) => found > PLAUSIBLE * limit);
  if (over === undefined) return null;
  return `${rate(over[0])} IOPS exceed the limit of ${rate(over[1])}; an idle machine or more trials can decide`;
}

/** Where the machine is too slow for the effect, that it is not seen is no news. */
function tooSlow(base: number, holds: boolean): string | null {
  return base < FAST && !holds
    ? `${rate(base)} IOPS are no fast target (${rate(FAST)} are), so the effect can't show here`
    : null;
}

/** The verdict, and where there is none the reason behind the sentence. */
function judged(
  claim: Omit<Claim, "verdict">,
  exact: boolean,
  real: boolean,
  doubt: string | null,
): Claim {
  const why = doubt === null ? "" : ` Not decided: ${doubt}.`;
  return {
    ...claim,
    sentence: `${claim.sentence}${why}`,
    verdict: verdictOf(exact, real, doubt),
  };
}

const LATE = "coalesce:64/1ms";
const SLOW = "lanes:4,delay:1ms";

export function judgeE1(both: Both): Claim {
  const look = (result: RunResult) => {
    const base = iops(of(result, { service: "", reclaim: "eager" }));
    const slowBase = iops(of(result, { service: SLOW, reclaim: "eager" }));
    const fixed = iops(of(result, { service: "", reclaim: LATE, pool: "fixed", kick: "100ms" }));
    const swap = iops(of(result, { service: "", reclaim: LATE, pool: "scan-swap", kick: "100ms" }));
    const slowFixed = iops(
      of(result, { service: SLOW, reclaim: LATE, pool: "fixed", kick: "100ms" }),
    );
    const headroom = peak(of(result, { reclaim: "eager" }), (figures) => figures.pool_length_peak);
    const holds =
      fixed < base * 0.1 && swap > base * KEPT && slowFixed > slowBase * KEPT && headroom === 0;
    return { base, slowBase, fixed, swap, slowFixed, headroom, holds };
  };
  const [exact, real] = [look(both.exact), look(both.real)];
  const doubt =
    doubtOf(both.real, [
      [real.swap, real.base],
      [real.slowFixed, real.slowBase],
    ]) ?? tooSlow(real.base, real.holds);
  const claim = {
    id: "E1",
    claim: "the headroom matters only for fast targets on links that release late",
    sentence: `Fast target, late release: \`fixed\` ${rate(real.fixed)}/s and \`scan-swap\` ${rate(real.swap)}/s beside ${rate(real.base)}/s where the link releases at once (exact: ${rate(exact.fixed)}, ${rate(exact.swap)}, ${rate(exact.base)}); slow target: \`fixed\` ${rate(real.slowFixed)}/s of ${rate(real.slowBase)}; headroom under eager release ${real.headroom}.`,
    how: "aoe bench run fixtures/jobs/e1.toml",
    figures: rows(both),
  };
  return judged(claim, exact.holds, real.holds, doubt);
}

export function judgeE2(both: Both): Claim {
  const look = (result: RunResult) => {
    const caps = result.cells
      .flatMap((cell) =>
        cell.median === null ? [] : [{ cap: Number(cell.values.pool_cap), figures: cell.median }],
      )
      .sort((a, b) => a.cap - b.cap);
    // The plateau is that of caps nobody could use up.
    const plateau = median(caps.filter(({ cap }) => cap >= 48).map(({ figures }) => figures.iops));
    const enough = ({ figures }: (typeof caps)[number]): boolean =>
      figures.iops >= plateau * KEPT && figures.kicks === 0;
    const knee = caps.find(enough)?.cap;
    // Where a larger cap is not enough either there is no knee, but a zigzag.
    const zigzag = caps.find((one) => knee !== undefined && one.cap > knee && !enough(one))?.cap;
    const none = caps[0]?.figures.iops ?? 0;
    const most = peak(
      caps.map(({ figures }) => figures),
      (figures) => figures.pool_length_peak,
    );
    return {
      plateau,
      knee: knee ?? null,
      zigzag: zigzag ?? null,
      none,
      most,
      holds: knee !== undefined && knee > 0 && knee <= 48,
    };
  };
  const [exact, real] = [look(both.exact), look(both.real)];
  const zigzag =
    real.zigzag === null
      ? null
      : `a cap of ${real.zigzag} is not enough where ${real.knee} is; more trials can tell`;
  const doubt = doubtOf(both.real) ?? zigzag ?? tooSlow(real.plateau, real.holds);
  const claim = {
    id: "E2",
    claim: "a capped headroom is enough",
    sentence: `The knee is at a cap of ${exact.knee ?? "none"} exactly (predicted: 48) and at ${real.knee ?? "none"} on this machine, where the plateau is ${rate(real.plateau)}/s, a cap of 0 gives ${rate(real.none)}/s, and no run took more than ${real.most} extra buffers.`,
    how: "aoe bench run fixtures/jobs/e2.toml",
    figures: rows(both),
  };
  return judged(claim, exact.holds && exact.knee === 48, real.holds, doubt);
}

export function judgeE3(both: Both): Claim {
  const look = (result: RunResult) => {
    const eager = iops(of(result, { reclaim: "eager" }));
    const late = of(result, { reclaim: LATE });
    const allocations = peak(late, (figures) => figures.allocations);
    const dry = peak(late, (figures) => figures.dry);
    const lost = Math.min(...late.map((figures) => figures.iops)) < eager * KEPT;
    return {
      eager,
      late: iops(late),
      allocations,
      dry,
      holds: allocations === 0 && dry === 0 && !lost,
    };
  };
  const [exact, real] = [look(both.exact), look(both.real)];
  const claim = {
    id: "E3",
    claim: "with a slow target the pool is idle",
    sentence: `On a target of 4,000 commands/s at best the pools run at ${rate(real.late)}/s under late release and ${rate(real.eager)}/s without (medians), allocate ${real.allocations} buffers after the warm-up and are dry ${real.dry} times (exact: ${exact.allocations} and ${exact.dry}).`,
    how: "aoe bench run fixtures/jobs/e3.toml",
    figures: rows(both),
  };
  const doubt = doubtOf(both.real, [[real.late, real.eager]]);
  return judged(claim, exact.holds, real.holds, doubt);
}

export function judgeE4(result: RunResult): Claim {
  const cost = (wanted: Partial<CellResult["values"]>): number =>
    median(of(result, wanted).flatMap((figures) => figures.cpu_quiet_ns ?? []));
  const pools = Math.max(cost({ pool: "scan-swap" }), cost({ pool: "completion" }));
  const array = cost({ pool: "per-send", memory: "array" });
  const malloc = cost({ pool: "per-send", memory: "malloc" });
  const memory = (cell: CellResult): number =>
    median(cell.trials.map(({ loads }) => peakBytes(loads[0]?.fio) / 2 ** 20));
  const verdict: ClaimVerdict =
    Math.min(array, malloc) > pools * 1.1
      ? "holds"
      : pools * 1.1 > Math.max(array, malloc)
        ? "does not hold"
        : "inconclusive";
  return {
    id: "E4",
    claim: "allocating for every transmit costs",
    verdict,
    sentence: `CPU time of a command on our side in quiet stretches: pools ${shownTime(Math.round(pools))}, per-send ${shownTime(Math.round(array))} with typed arrays and ${shownTime(Math.round(malloc))} with malloc through FFI (locality was not measured: no cache counters).`,
    how: "aoe bench run fixtures/jobs/e4.toml",
    figures: result.cells.map((cell) => ({
      pool: cell.values.pool,
      memory: cell.values.memory,
      cpu_quiet_ns: rounded(cell.median?.cpu_quiet_ns),
      cpu_per_command_ns: rounded(cell.median?.cpu_per_command_ns),
      allocations: cell.median?.allocations ?? null,
      peak_mib: Math.round(memory(cell)),
    })),
  };
}

function rounded(ns: number | null | undefined): number | null {
  return ns == null ? null : Math.round(ns);
}

function peakBytes(fio: unknown): number {
  const document = fio as { jobs?: { aoe?: { cpu?: { peak_bytes?: number } } }[] } | undefined;
  return document?.jobs?.[0]?.aoe?.cpu?.peak_bytes ?? Number.NaN;
}

export function judgeE5(
  found: readonly { readonly strategy: string; readonly relief: WriteBackOutcome }[],
  work: number,
): Claim {
  const stuck = found.filter(({ relief }) => !relief.done).map(({ strategy }) => strategy);
  const going = found.filter(({ relief }) => relief.done).map(({ strategy }) => strategy);
  const holds =
    stuck.includes("per-send") &&
    ["fixed", "scan-swap", "completion"].every((strategy) => going.includes(strategy));
  const cold = stuck.includes("lifo-swap")
    ? " (`lifo-swap` preallocates nothing either: it makes its frames when they are first needed)"
    : "";
  return {
    id: "E5",
    claim: "allocating for every transmit can deadlock when memory is short",
    verdict: holds ? "holds" : "does not hold",
    sentence: `Model under the virtual clock, memory all dirty: ${stuck.length === 0 ? "none" : stuck.join(", ")} stopped for good${cold}, ${going.join(", ")} wrote back all ${work} pages.`,
    how: "aoe bench reproduce --only E5",
    figures: found.map(({ strategy, relief }) => ({
      strategy,
      written: relief.written,
      last_at_ns: relief.lastAt,
      refused: relief.refused,
      done: relief.done ? 1 : 0,
    })),
  };
}

function disturbedIn(disturbed: number, trials: number): string {
  const how = `other processes used the CPUs in ${disturbed} of ${trials} trials`;
  return `${how}; an idle machine can decide`;
}

export function judgeE6(found: Lanes | string): Claim {
  const claim = {
    id: "E6",
    claim: "answers to writes need a separate receive socket",
    how: "aoe bench reproduce --only E6",
  };
  if (typeof found === "string") {
    return { ...claim, verdict: "inconclusive", sentence: `Not measured: ${found}`, figures: [] };
  }
  const { one, two, disturbed } = found;
  const flood = one.drops > 0;
  // Without a flood beside it, or a write in it, a lane could not have lost anything.
  const tried = two.drops > (two.lane_drops ?? 0) && one.writes > 0 && two.writes > 0;
  const spared = two.lane_drops === 0;
  const decided = spared ? "holds" : "does not hold";
  const verdict: ClaimVerdict = flood && tried && disturbed === 0 ? decided : "inconclusive";
  const late = (figures: LaneFigures): string => `${shownTime(figures.write_p99_ns)} (p99)`;
  const untried =
    flood && !tried
      ? ` Not decided: ${one.writes} and ${two.writes} writes ended, and outside the lane ${two.drops - (two.lane_drops ?? 0)} frames were lost, so a lane had nothing to prevent; a longer run may decide.`
      : disturbed > 0
        ? ` Not decided: ${disturbedIn(disturbed, 2)}.`
        : "";
  return {
    ...claim,
    verdict,
    sentence: flood
      ? `One socket lost ${one.drops} frames of the flood, whatever they answered; with a lane the sockets lost ${two.drops}, the lane ${two.lane_drops ?? 0} of them; writes held back for doubt ${one.writes_held_back} and ${two.writes_held_back}, write latency ${late(one)} and ${late(two)}.${untried}`
      : "The flood did not overrun the small receive ring here, so nothing was lost that a lane could spare.",
    figures: [
      { sockets: 1, ...one },
      { sockets: 2, ...two },
    ],
  };
}

export function judgeE7(both: Both): Claim {
  const look = (result: RunResult) => {
    const at = (pool: string): Figures | undefined => of(result, { pool })[0];
    const [fixed, scan, lifo, ours] = ["fixed", "scan-swap", "lifo-swap", "completion"].map(at);
    const stalls = [fixed, scan, lifo].every((figures) => (figures?.kicks ?? 0) > 0);
    const holds =
      stalls &&
      ours?.kicks === 0 &&
      ours.iops > 2 * Math.max(scan?.iops ?? 0, lifo?.iops ?? 0) &&
      (fixed?.pool_touches ?? 1) === 0;
    return { fixed, scan, lifo, ours, holds };
  };
  const [exact, real] = [look(both.exact), look(both.real)];
  const told = (figures: Figures | undefined): string =>
    `${rate(figures?.iops ?? 0)}/s with ${figures?.kicks ?? 0} kicks and ${figures?.head_blocked ?? 0} heads blocked`;
  const claim = {
    id: "E7",
    claim: "the algorithms differ",
    sentence: `At a cap of 16: \`fixed\` ${told(real.fixed)}, \`scan-swap\` ${told(real.scan)}, \`lifo-swap\` ${told(real.lifo)}, \`completion\` ${told(real.ours)} (exact: ${[exact.fixed, exact.scan, exact.lifo, exact.ours].map((figures) => rate(figures?.iops ?? 0)).join(", ")}).`,
    how: "aoe bench run fixtures/jobs/e7.toml",
    figures: rows(both),
  };
  const doubt = doubtOf(both.real) ?? tooSlow(real.ours?.iops ?? 0, real.holds);
  return judged(claim, exact.holds, real.holds, doubt);
}

export function judgeE8(both: Both): Claim {
  const look = (result: RunResult) => {
    const late = result.cells.flatMap((cell) =>
      cell.median !== null && cell.values.reclaim !== "eager" ? [cell.median] : [],
    );
    const most = peak(late, (figures) => figures.pool_length_peak);
    const kicks = peak(late, (figures) => figures.kicks);
    const eager = peak(of(result, { reclaim: "eager" }), (figures) => figures.pool_length_peak);
    return { most, kicks, eager, holds: most >= 1 && most <= 16 && kicks === 0 && eager === 0 };
  };
  const [exact, real] = [look(both.exact), look(both.real)];
  const claim = {
    id: "E8",
    claim: "our copy of the kernel's pool is faithful",
    sentence: `\`lifo-swap\` at depths 1 to 64 takes up to ${real.most} extra buffers under next-xmit and on-receive, ${real.eager} under eager, and is kicked ${real.kicks} times (exact: ${exact.most}, ${exact.eager}, ${exact.kicks}); Linux 6.1 took 0 to 4 and was never kicked.`,
    how: "aoe bench run fixtures/jobs/e8.toml",
    figures: rows(both),
  };
  return judged(claim, exact.holds, real.holds, doubtOf(both.real));
}
