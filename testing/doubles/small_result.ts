// A real result for tests, made again in about a second: the simulator's, exact, the same each time. And one
// by somebody who wants his texts to become markup.

import { parseJob } from "../../bench/job/job.ts";
import type { RunResult } from "../../bench/result/result.ts";
import { runJob } from "../../bench/run/run.ts";
import { type Material, NO_MATERIAL } from "../../bench/report/read_material.ts";

const JOB = `
[global]
link = "virtual"
service = "delay:lognormal/60us/20us"
iodepth = 16
buffer_count = 16
pool_prealloc = 16
runtime = "8ms"
ramp_time = "1ms"
warm_up = "1ms"
image_size = "1m"
mtu = 9000
kick = "2ms"
reclaim = "coalesce:64/1ms"

[pools]
pool = ["fixed", "completion"]

[caps]
pool = "scan-swap"
pool_cap = [16, 48, 64]
`;

export function smallResult(): Promise<RunResult> {
  const silent = { begin() {}, end() {}, warn() {} };
  return runJob(parseJob(JOB, "small.toml"), silent);
}

/** What would run, load or close something, were it read as markup. */
export const EVIL = `</script><script>globalThis.owned=1</script><img src=x onerror="globalThis.owned=2">'"\`&|[a](javascript:1)`;

/** The same result with such texts wherever a result has texts of its own. */
export function evilResult(result: RunResult, evil = EVIL): RunResult {
  return {
    ...result,
    job: { ...result.job, file: evil },
    warnings: [evil],
    findings: [evil],
    provenance: { ...result.provenance, cpu: evil, kernel: evil, program: evil },
    cells: result.cells.map((cell, at) => ({
      ...cell,
      job: `${evil}${cell.job}`,
      axes: { ...cell.axes, pool: `${evil}${at}` },
      values: { ...cell.values, pool: `${evil}${at}`, reclaim: evil },
      trials: cell.trials.map((trial) => ({ ...trial, failure: at === 0 ? evil : trial.failure })),
    })),
  };
}

export function materialOf(run: RunResult, name = "small"): Material {
  return { ...NO_MATERIAL, names: [name], runs: [{ name, run }] };
}
