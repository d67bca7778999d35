// How long CPUs were busy, from /proc/stat.

import { readFileSync } from "node:fs";

/** Ticks of all CPUs of `among` since boot, idle and busy, from /proc/stat (1/100 s each). */
export interface CpuTicks {
  readonly busy: number;
  /** Of busy: what the hypervisor gave to other machines. */
  readonly steal: number;
  readonly all: number;
}

const IDLE = 3;

const IOWAIT = 4;

const STEAL = 7;

/** user … steal; the guest columns behind them are counted in user already. */
const COLUMNS = 8;

export function cpuTicks(among: readonly number[]): CpuTicks {
  let [busy, steal] = [0, 0];
  let all = 0;
  for (const line of readFileSync("/proc/stat", "utf8").split("\n")) {
    const match = /^cpu(\d+) (.*)$/.exec(line);
    if (match === null || !among.includes(Number(match[1]))) continue;
    const ticks = (match[2] ?? "").trim().split(/\s+/).slice(0, COLUMNS).map(Number);
    const total = ticks.reduce((sum, tick) => sum + tick, 0);
    all += total;
    steal += ticks[STEAL] ?? 0;
    busy += total - (ticks[IDLE] ?? 0) - (ticks[IOWAIT] ?? 0);
  }
  return { busy, steal, all };
}

/** ns in a tick (USER_HZ is 100 on every Linux). */
export const TICK = 1e7;
