// From trials to medians, ratios and geometric means. Ratios are taken round by round, since the arms of a round ran
// beside each other: what the machine did meanwhile falls out of them.

import { geomean } from "../../statistics/geomean.ts";
import { type MedianInterval, medianInterval } from "../../statistics/median_interval.ts";
import { barsOf } from "./bars.ts";
import { mostlyByLoad } from "./load_limit.ts";
import type {
  CellSummary,
  LoadedPart,
  Mean,
  PeersFigures,
  PeersResult,
  PeersTrial,
} from "./result.ts";
import { DEEP, DEEPEST, LOADS, SHALLOW } from "./names.ts";

type Key = Exclude<keyof PeersFigures, "load_way" | "target_way">;

/** Our load stands over the one in C that waits as it does. */
const OVER = new Map<string, string>([
  [LOADS.c, LOADS.ours],
  [LOADS["c-frugal"], LOADS["ours-frugal"]],
]);

export function summaryOf({
  arms,
  trials,
  idle,
}: Pick<PeersResult, "arms" | "trials" | "idle">): Pick<
  PeersResult,
  "cells" | "one_cpu" | "loads" | "means" | "bars"
> {
  const names = arms.map(({ arm }) => arm);
  const loadNames = Object.values(LOADS);
  const cells = summarize(trials, "cells", names);
  const one_cpu = summarize(trials, "one-cpu", names);
  const loads = summarize(trials, "load", loadNames, OVER);
  const means = [
    ...meansOf("cells", cells, names),
    ...meansOf("one-cpu", one_cpu, names),
    ...meansOf("load", loads, loadNames),
  ];
  return { cells, one_cpu, loads, means, bars: barsOf({ cells, one_cpu, loads, idle }) };
}

/**
 * The cells of a part in ascending order. A ratio is of `over`'s value over its key; without it, of
 * the first arm over each other.
 */
export function summarize(
  trials: readonly PeersTrial[],
  part: LoadedPart,
  arms: readonly string[],
  over: ReadonlyMap<string, string> = new Map(arms.slice(1).map((arm) => [arm, arms[0] ?? arm])),
): CellSummary[] {
  const own = Map.groupBy(
    trials.filter((trial) => trial.part === part && trial.figures !== null),
    ({ bs, iodepth, rw }) => JSON.stringify([bs, iodepth, rw]),
  );
  return [...own.values()]
    .map((cell) => summarizeCell(cell, arms, over))
    .sort((a, b) => a.bs - b.bs || a.iodepth - b.iodepth || a.rw.localeCompare(b.rw));
}

/** `trials`: of one cell, at least one. */
function summarizeCell(
  trials: readonly PeersTrial[],
  arms: readonly string[],
  over: ReadonlyMap<string, string>,
): CellSummary {
  const [first] = trials;
  if (first === undefined) throw new Error("invariant: a cell has a trial");
  const { bs, iodepth, rw, part } = first;
  /** By round. */
  const of = (arm: string): Map<number, PeersFigures> =>
    new Map(
      trials.flatMap((trial) =>
        trial.arm === arm && trial.figures !== null ? [[trial.round, trial.figures] as const] : [],
      ),
    );
  /** Where loads are compared, one of them is the limit; on one CPU both ends share it. */
  const byLoad = (arm: string): boolean => part === "cells" && mostlyByLoad([...of(arm).values()]);
  return {
    bs,
    iodepth,
    rw,
    arms: arms
      .filter((arm) => of(arm).size > 0)
      .map((arm) => {
        const all = [...of(arm).values()];
        const middle = (key: Key): MedianInterval =>
          medianInterval(all.flatMap((figures) => figures[key] ?? []));
        return {
          arm,
          iops: middle("iops"),
          lat_p50_ns: middle("lat_p50_ns"),
          lat_p99_ns: middle("lat_p99_ns"),
          lat_p999_ns: middle("lat_p999_ns"),
          target_cpu_per_command_ns: known(middle("target_cpu_per_command_ns")),
          target_resident_bytes: known(middle("target_resident_bytes"))?.median ?? null,
          load_cpu_per_command_ns: middle("load_cpu_per_command_ns"),
          load_busy_share: known(middle("load_busy_share"))?.median ?? null,
          by_load: byLoad(arm),
        };
      }),
    ratios: [...over].flatMap(([arm, base]) => {
      const other = of(arm);
      const ratio = (key: Key): MedianInterval =>
        medianInterval(
          [...of(base)].flatMap(([round, figures]) => {
            const [above, below] = [figures[key], other.get(round)?.[key] ?? null];
            return above === null || below === null || below === 0 ? [] : [above / below];
          }),
        );
      const iops = ratio("iops");
      if (iops.n === 0) return [];
      return [
        {
          arm,
          iops,
          lat_p99: ratio("lat_p99_ns"),
          target_cpu: known(ratio("target_cpu_per_command_ns")),
          load_cpu: ratio("load_cpu_per_command_ns"),
          by_load: byLoad(arm) || byLoad(base),
        },
      ];
    }),
  };
}

function known(middle: MedianInterval): MedianInterval | null {
  return middle.n === 0 ? null : middle;
}

/** For each arm that another stands over: over its cells at depth 16 and 64, at 64, at 1. */
export function meansOf(
  part: LoadedPart,
  cells: readonly CellSummary[],
  arms: readonly string[],
): Mean[] {
  return arms.flatMap((arm) =>
    [DEEP, DEEPEST, SHALLOW].flatMap((depths) => meanOf(part, cells, arm, depths)),
  );
}

function meanOf(
  part: LoadedPart,
  cells: readonly CellSummary[],
  arm: string,
  iodepths: readonly number[],
): Mean[] {
  const rows = cells
    .filter(({ iodepth }) => iodepths.includes(iodepth))
    .flatMap((cell) => cell.ratios.filter((ratio) => ratio.arm === arm && !ratio.by_load));
  if (rows.length === 0) return [];
  const cpu = rows.flatMap(({ target_cpu }) => target_cpu?.median ?? []);
  return [
    {
      part,
      arm,
      iodepths: [...iodepths],
      cells: rows.length,
      iops: geomean(rows.map(({ iops }) => iops.median)),
      lat_p99: geomean(rows.map(({ lat_p99 }) => lat_p99.median)),
      target_cpu: cpu.length === 0 ? null : geomean(cpu),
      load_cpu: geomean(rows.map(({ load_cpu }) => load_cpu.median)),
    },
  ];
}
