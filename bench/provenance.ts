// Where a result comes from: what one must know to repeat it, or to refuse to compare it.

import { existsSync, readFileSync } from "node:fs";
import { cpus, hostname, release } from "node:os";
import { dirname } from "node:path";
import { allowedCpus } from "../sys/affinity.ts";
import { addNanoseconds, now, wallClockAtZero } from "../sys/clock.ts";
import manifest from "../package.json" with { type: "json" };
import type { Provenance } from "./result.ts";

export function provenance(): Provenance {
  const source = dirname(import.meta.dir);
  const revision = git(source, "rev-parse", "HEAD");
  const status = revision === null ? null : git(source, "status", "--porcelain");
  return {
    program: `aoe ${manifest.version}`,
    git_revision: revision,
    git_dirty: status === null ? null : status !== "",
    bun: `${Bun.version}+${Bun.revision.slice(0, 9)}`,
    kernel: release(),
    architecture: process.arch,
    cpu: cpus()[0]?.model ?? "unknown",
    cpus_allowed: allowedCpus(),
    governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    machine: machine(),
    user: process.getuid?.() === 0 ? "root" : "ordinary",
  };
}

/** The wall clock, ms since 1970. */
export function wallMilliseconds(): number {
  const { seconds, nanoseconds } = addNanoseconds(wallClockAtZero(), now());
  return Math.floor(seconds * 1e3 + nanoseconds / 1e6);
}

/** Not the machine's id itself: a result is meant to be passed on. */
function machine(): string {
  const words = [read("/etc/machine-id") ?? hostname(), cpus()[0]?.model, cpus().length, release()];
  return Bun.hash.crc32(words.join("|")).toString(16).padStart(8, "0");
}

function read(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8").trim() : null;
}

function git(folder: string, ...words: string[]): string | null {
  const program = Bun.which("git");
  if (program === null) return null;
  const run = Bun.spawnSync([program, "-C", folder, ...words], {
    stdout: "pipe",
    stderr: "ignore",
  });
  return run.exitCode === 0 ? run.stdout.toString().trim() : null;
}

/** Ticks of all CPUs of `among` since boot, idle and busy, from /proc/stat (1/100 s each). */
export interface CpuTicks {
  readonly busy: number;
  readonly all: number;
}

const IDLE = 3;
const IOWAIT = 4;
/** user … steal; the guest columns behind them are counted in user already. */
const COLUMNS = 8;

export function cpuTicks(among: readonly number[]): CpuTicks {
  let busy = 0;
  let all = 0;
  for (const line of readFileSync("/proc/stat", "utf8").split("\n")) {
    const match = /^cpu(\d+) (.*)$/.exec(line);
    if (match === null || !among.includes(Number(match[1]))) continue;
    const ticks = (match[2] ?? "").trim().split(/\s+/).slice(0, COLUMNS).map(Number);
    const total = ticks.reduce((sum, tick) => sum + tick, 0);
    all += total;
    busy += total - (ticks[IDLE] ?? 0) - (ticks[IOWAIT] ?? 0);
  }
  return { busy, all };
}

/** ns in a tick (USER_HZ is 100 on every Linux). */
export const TICK = 1e7;
