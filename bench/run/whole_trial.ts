// The figures of a trial as a whole, out of those of its loads: sums of what adds up, the worst of what
// does not, and percentiles of all latencies together, from the exact buckets of each.

import { Histogram } from "../../statistics/histogram.ts";
import { median } from "../../statistics/quantile.ts";
import type { LinkCounters } from "../../link/link.ts";
import type { ClosingFigures } from "../machine/closing_figures.ts";
import type { Drops, Figures, LoadResult } from "../load/figures.ts";

export interface AoeBlock {
  readonly lat_buckets_ns?: readonly (readonly [number, number])[];
  readonly link?: {
    readonly transmitted?: number;
    readonly paths?: LinkCounters["paths"];
    readonly receiveDrops?: number;
    readonly transmitBusy?: number;
    readonly transmitErrors?: number;
  };
}

/** jobs[0].aoe of a load's document. */
export function aoeBlock(fio: Readonly<Record<string, unknown>>): AoeBlock & { figures?: Figures } {
  const [job] = (fio as { jobs?: { aoe?: AoeBlock & { figures?: Figures } }[] }).jobs ?? [];
  return job?.aoe ?? {};
}

/** Schema version of a load's document; another revision's program may have written it. */
export function versionOf(fio: Readonly<Record<string, unknown>>): number {
  return (fio as { aoe?: { schema_version?: number } }).aoe?.schema_version ?? 1;
}

export function wholeFigures(loads: readonly LoadResult[]): Figures | null {
  const [first] = loads;
  if (first === undefined) return null;
  if (loads.length === 1) return first.figures;
  const all = loads.map((load) => load.figures);
  const sum = (of: (figures: Figures) => number): number =>
    all.reduce((total, figures) => total + of(figures), 0);
  const most = (of: (figures: Figures) => number): number => Math.max(...all.map(of));
  const known = (of: (figures: Figures) => number | null): number[] =>
    all.flatMap((figures) => of(figures) ?? []);
  const longest = (of: (figures: Figures) => number | null): number | null =>
    known(of).length === 0 ? null : Math.max(...known(of));
  const lat = new Histogram();
  for (const { fio } of loads) lat.addBuckets(aoeBlock(fio).lat_buckets_ns ?? []);
  const longestOfAll = longest((figures) => figures.lat_max_ns);
  // A bucket knows its longest to a thousandth only.
  lat.bound(longestOfAll ?? 0);
  const iops = sum((figures) => figures.iops);
  /** A load that does not know it has no share in it. */
  const byCommand = (of: (figures: Figures) => number | null): number | null => {
    const from = all.filter((figures) => of(figures) !== null);
    const commands = from.reduce((total, figures) => total + figures.iops, 0);
    const whole = from.reduce((total, figures) => total + (of(figures) ?? 0) * figures.iops, 0);
    return commands === 0 ? null : whole / commands;
  };
  const commandsOfKicks = known((figures) => figures.kick_commands_p50);
  const steady = all.flatMap((figures) => figures.steady ?? []);
  return {
    iops,
    runtime_ns: most((figures) => figures.runtime_ns),
    lat_mean_ns: byCommand((figures) => figures.lat_mean_ns),
    lat_p50_ns: lat.percentile(50),
    lat_p90_ns: lat.percentile(90),
    lat_p99_ns: lat.percentile(99),
    lat_p999_ns: lat.percentile(99.9),
    lat_max_ns: longestOfAll,
    buffer_wait_mean_ns: byCommand((figures) => figures.buffer_wait_mean_ns),
    buffer_wait_p99_ns: longest((figures) => figures.buffer_wait_p99_ns),
    cpu_per_command_ns: byCommand((figures) => figures.cpu_per_command_ns),
    cpu_quiet_ns: byCommand((figures) => figures.cpu_quiet_ns),
    pool_length: sum((figures) => figures.pool_length),
    pool_length_peak: most((figures) => figures.pool_length_peak),
    pool_preallocated: first.figures.pool_preallocated,
    pool_cap: first.figures.pool_cap,
    allocations: sum((figures) => figures.allocations),
    head_blocked: sum((figures) => figures.head_blocked),
    pool_touches: sum((figures) => figures.pool_touches),
    dry: sum((figures) => figures.dry),
    kicks: sum((figures) => figures.kicks),
    kick_stall_ns: sum((figures) => figures.kick_stall_ns),
    kick_commands_p50: commandsOfKicks.length === 0 ? null : median(commandsOfKicks),
    retransmits: sum((figures) => figures.retransmits),
    failures: sum((figures) => figures.failures),
    mismatches: sum((figures) => figures.mismatches),
    receive_drops: sum((figures) => figures.receive_drops),
    steady: steady.length === 0 ? null : steady.every((one) => one),
    littles_law_holds: all.every((figures) => figures.littles_law_holds),
  };
}

/** What both ends lost; `targets` is what each target said as it ended: where one said nothing, there is no data. */
export function wholeDrops(
  loads: readonly LoadResult[],
  targets: readonly (ClosingFigures | null)[],
): Drops {
  const initiator = { receive: 0, busy: 0, errors: 0 };
  for (const { fio } of loads) {
    const { link } = aoeBlock(fio);
    initiator.receive += link?.receiveDrops ?? 0;
    initiator.busy += link?.transmitBusy ?? 0;
    initiator.errors += link?.transmitErrors ?? 0;
  }
  const target = { receive: 0, busy: 0, errors: 0 };
  for (const figures of targets) {
    if (figures === null) return { initiator, target: null };
    target.receive += figures.lost;
    target.busy += figures.waited;
    target.errors += figures.beyond;
  }
  return { initiator, target: targets.length === 0 ? null : target };
}
