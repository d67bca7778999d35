// Results of earlier schema versions, read as this program would have written them.
//
//   1 → 2   zeros for what was measured of no command become null; what is made from trials is made again

import { parseThreshold } from "../job/threshold.ts";
import { cellResult } from "./cell_result.ts";
import { findings } from "./findings.ts";
import type { RunResult, Trial } from "./result.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { Figures } from "../load/figures.ts";

const TIMES = [
  "lat_mean_ns",
  "lat_p50_ns",
  "lat_p90_ns",
  "lat_p99_ns",
  "lat_p999_ns",
  "lat_max_ns",
  "buffer_wait_mean_ns",
  "buffer_wait_p99_ns",
  "cpu_per_command_ns",
] as const;

/** `version`: of the document that they stand in. */
export function upgradeFigures(figures: Figures, version: number): Figures {
  if (version >= 2) return figures;
  const known = (value: number | null): number | null => (value === 0 ? null : value);
  const times = figures.iops === 0 ? TIMES.map((key) => [key, null]) : [];
  return {
    ...figures,
    ...(Object.fromEntries(times) as Partial<Figures>),
    cpu_quiet_ns: known(figures.cpu_quiet_ns),
    kick_commands_p50: known(figures.kick_commands_p50),
  };
}

export function upgradeRun(result: RunResult): RunResult {
  const version = result.schema_version;
  if (version >= SCHEMA_VERSION) return result;
  const figures = (old: Figures | null): Figures | null =>
    old === null ? null : upgradeFigures(old, version);
  const trial = (old: Trial): Trial => ({
    ...old,
    figures: figures(old.figures),
    loads: old.loads.map((load) => ({ ...load, figures: upgradeFigures(load.figures, version) })),
  });
  const cells = result.cells.map((cell) =>
    cellResult(
      {
        ...cell,
        trials: cell.trials.map(trial),
        discarded: cell.discarded.map(trial),
        floor: figures(cell.floor),
      },
      cell.thresholds.map(({ threshold }) => parseThreshold(threshold)),
    ),
  );
  return { ...result, schema_version: SCHEMA_VERSION, cells, findings: findings(cells) };
}
