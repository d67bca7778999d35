// From trials to medians, ratios and geometric means. Ratios are taken round by round, since the arms of a round ran
// beside each other: what the machine did meanwhile falls out of them.

import { geomean } from "../../statistics/geomean.ts";
import { type MedianInterval, medianInterval } from "../../statistics/median_interval.ts";
import { median } from "../../statistics/quantile.ts";
import type {
  CellSummary,
  LoadedPart,
  Mean,
  PeersCell,
  PeersFigures,
  PeersTrial,
} from "./peers_result.ts";

type Pick1 = (figures: PeersFigures) => number | null;

/** The cells of a part in the order in which they were asked for; `arms` likewise, the first over each other. */
export function summarize(
  trials: readonly PeersTrial[],
  part: LoadedPart,
  arms: readonly string[],
): CellSummary[] {
  const own = trials.filter((trial) => trial.part === part && trial.figures !== null);
  const cells = new Map<string, PeersCell>();
  for (const { bs, iodepth, rw } of own) {
    const key = JSON.stringify([bs, iodepth, rw]);
    if (!cells.has(key)) cells.set(key, { bs, iodepth, rw });
  }
  const ascending = [...cells.values()].sort(
    (a, b) => a.bs - b.bs || a.iodepth - b.iodepth || a.rw.localeCompare(b.rw),
  );
  return ascending.map((cell) => summarizeCell(cell, own, arms));
}

function summarizeCell(
  cell: PeersCell,
  trials: readonly PeersTrial[],
  arms: readonly string[],
): CellSummary {
  const of = (arm: string): Map<number, PeersFigures> =>
    new Map(
      trials.flatMap((trial) =>
        trial.arm === arm &&
        trial.bs === cell.bs &&
        trial.iodepth === cell.iodepth &&
        trial.rw === cell.rw &&
        trial.figures !== null
          ? [[trial.round, trial.figures] as const]
          : [],
      ),
    );
  const present = arms.filter((arm) => of(arm).size > 0);
  const [first, ...others] = arms;
  const base = of(first ?? "");
  return {
    ...cell,
    arms: present.map((arm) => {
      const all = [...of(arm).values()];
      const resident = all.flatMap((figures) => figures.target_resident_bytes ?? []);
      return {
        arm,
        iops: medianInterval(all.map((figures) => figures.iops)),
        lat_p50_ns: medianInterval(all.map((figures) => figures.lat_p50_ns)),
        lat_p99_ns: medianInterval(all.map((figures) => figures.lat_p99_ns)),
        lat_p999_ns: medianInterval(all.map((figures) => figures.lat_p999_ns)),
        target_cpu_per_command_ns: known(
          all.flatMap((figures) => figures.target_cpu_per_command_ns ?? []),
        ),
        target_resident_bytes: resident.length === 0 ? null : median(resident),
        load_cpu_per_command_ns: medianInterval(
          all.map((figures) => figures.load_cpu_per_command_ns),
        ),
      };
    }),
    ratios: others.flatMap((arm) => {
      const other = of(arm);
      const ratio = (pick: Pick1): number[] => ratios(base, other, pick);
      const iops = ratio((figures) => figures.iops);
      if (iops.length === 0) return [];
      return [
        {
          arm,
          iops: medianInterval(iops),
          lat_p99: medianInterval(ratio((figures) => figures.lat_p99_ns)),
          target_cpu: known(ratio((figures) => figures.target_cpu_per_command_ns)),
          load_cpu: medianInterval(ratio((figures) => figures.load_cpu_per_command_ns)),
        },
      ];
    }),
  };
}

function known(sample: readonly number[]): MedianInterval | null {
  return sample.length === 0 ? null : medianInterval(sample);
}

/** Of the rounds that both have. */
function ratios(
  base: ReadonlyMap<number, PeersFigures>,
  other: ReadonlyMap<number, PeersFigures>,
  pick: Pick1,
): number[] {
  return [...base].flatMap(([round, figures]) => {
    const beside = other.get(round);
    const [above, below] = [pick(figures), beside === undefined ? null : pick(beside)];
    return above === null || below === null || below === 0 ? [] : [above / below];
  });
}

/** Geometric means over the cells of these depths that the arm has; null: it has none. */
export function meanOf(
  part: LoadedPart,
  cells: readonly CellSummary[],
  arm: string,
  iodepths: readonly number[],
): Mean | null {
  const rows = cells
    .filter(({ iodepth }) => iodepths.includes(iodepth))
    .flatMap((cell) => cell.ratios.filter((ratio) => ratio.arm === arm));
  if (rows.length === 0) return null;
  const cpu = rows.flatMap(({ target_cpu }) => target_cpu?.median ?? []);
  return {
    part,
    arm,
    iodepths: [...iodepths],
    cells: rows.length,
    iops: geomean(rows.map(({ iops }) => iops.median)),
    lat_p99: geomean(rows.map(({ lat_p99 }) => lat_p99.median)),
    target_cpu: cpu.length === 0 ? null : geomean(cpu),
    load_cpu: geomean(rows.map(({ load_cpu }) => load_cpu.median)),
  };
}

export const DEEP = [16, 64] as const;
export const SHALLOW = [1] as const;

/** For each arm beside the first, at depth 16 and 64 and at depth 1. */
export function meansOf(
  part: LoadedPart,
  cells: readonly CellSummary[],
  arms: readonly string[],
): Mean[] {
  return arms
    .slice(1)
    .flatMap((arm) => [DEEP, SHALLOW].flatMap((depths) => meanOf(part, cells, arm, depths) ?? []));
}
