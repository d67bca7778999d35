// Results made by hand, for tests of what reads results.

import { cellResult } from "../../bench/result/cell_result.ts";
import { cellsOf, keptJob } from "../../bench/job/job.ts";
import type { CellResult, RunResult, Trial } from "../../bench/result/result.ts";
import { SCHEMA_VERSION } from "../../bench/machine/schema.ts";
import type { Figures } from "../../bench/load/figures.ts";
import type { Cell, Job } from "../../bench/job/resolved.ts";

export const PLAIN: Figures = {
  iops: 40_000,
  runtime_ns: 1e9,
  lat_mean_ns: 410_000,
  lat_p50_ns: 400_000,
  lat_p90_ns: 600_000,
  lat_p99_ns: 900_000,
  lat_p999_ns: 1_500_000,
  lat_max_ns: 2_000_000,
  buffer_wait_mean_ns: 0,
  buffer_wait_p99_ns: 0,
  cpu_per_command_ns: 10_000,
  cpu_quiet_ns: 9_000,
  pool_length: 0,
  pool_length_peak: 0,
  pool_preallocated: 16,
  pool_cap: 256,
  allocations: 0,
  head_blocked: 0,
  pool_touches: 0,
  dry: 0,
  kicks: 0,
  kick_stall_ns: 0,
  kick_commands_p50: null,
  retransmits: 0,
  failures: 0,
  mismatches: 0,
  receive_drops: 0,
  steady: true,
  littles_law_holds: true,
};

export function sampleTrial(figures: Figures | null, order = 0): Trial {
  const none = { receive: 0, busy: 0, errors: 0 };
  return {
    order,
    attempt: 0,
    disturbed: false,
    start: null,
    exit_code: figures === null ? 1 : 0,
    failure: figures === null ? "it failed" : null,
    elapsed_ns: 2e9,
    cpu_ns: 1e9,
    others_cpu_ns: 0,
    figures,
    loads: figures === null ? [] : [{ address: "e7.3", interface: "a0", figures, fio: {} }],
    drops: figures === null ? null : { initiator: none, target: none },
  };
}

export function sampleCell(cell: Cell, all: readonly (Partial<Figures> | null)[]): CellResult {
  const trials = all.map((own, order) =>
    sampleTrial(own === null ? null : { ...PLAIN, ...own }, order),
  );
  return cellResult(
    { ...cell, values: cell.texts, trials, discarded: [], floor: null },
    cell.thresholds,
  );
}

/** `figuresOf` gives the trials of a cell; null: one that failed. */
export function sampleRun(
  job: Job,
  figuresOf: (cell: Cell) => readonly (Partial<Figures> | null)[],
  own: Partial<RunResult> = {},
): RunResult {
  return {
    schema_version: SCHEMA_VERSION,
    kind: "aoe bench run",
    started_at: "2026-01-01T00:00:00.000Z",
    elapsed_ns: 1e9,
    arm: "run",
    job: keptJob(job),
    seed: 1,
    link: "packet",
    fallback: null,
    pinning: { target: 0, load: 1 },
    interfaces: [],
    hosts: [],
    cut_short: false,
    provenance: {
      program: "aoe 0.1.0",
      git_revision: "0000000",
      git_dirty: false,
      bun: "1.4.5+000000000",
      kernel: "6.18.0",
      architecture: "x64",
      cpu: "a CPU",
      cpus_allowed: [0, 1],
      governor: null,
      machine: "00000000",
      user: "ordinary",
    },
    warnings: [],
    cells: job.jobs.flatMap(cellsOf).map((cell) => sampleCell(cell, figuresOf(cell))),
    findings: [],
    ...own,
  };
}
