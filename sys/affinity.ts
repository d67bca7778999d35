// Which CPUs this process may run on. Pinning covers the threads that exist and those yet to be made:
// Bun's own helpers (collector, JIT) follow the main thread, as a fair measurement wants.

import { readdirSync } from "node:fs";

import { EINVAL, errno, refused } from "./errno.ts";
import { environment } from "../words/failure.ts";
import { libc } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  sched_setaffinity: { args: ["i32", "i32", "ptr"], returns: "i32" },
  sched_getaffinity: { args: ["i32", "i32", "ptr"], returns: "i32" },
  sysconf: { args: ["i32"], returns: "i32" },
  sched_yield: { args: [], returns: "i32" },
});

const SC_NPROCESSORS_ONLN = 84;

/** Room for 8,192 CPUs, the kernel's own limit on x86_64. */
const MASK_BYTES = 1024;

/** The CPUs this process may run on, ascending. */
export function allowedCpus(): number[] {
  const mask = mapMemory(MASK_BYTES);
  try {
    if (c.sched_getaffinity(0, MASK_BYTES, mask.bytes) < 0)
      throw refused("can't read the CPU affinity");
    const cpus: number[] = [];
    for (let cpu = 0; cpu < MASK_BYTES * 8; cpu++) {
      if (((mask.bytes[cpu >> 3] ?? 0) >> (cpu & 7)) & 1) cpus.push(cpu);
    }
    return cpus;
  } finally {
    mask.unmap();
  }
}

/** The CPUs of the machine that are online. */
export function onlineCpus(): number {
  return Math.max(1, c.sysconf(SC_NPROCESSORS_ONLN));
}

/** Lets another thread that waits for this CPU have it now; 0.3 µs where none does. */
export function yieldCpu(): void {
  c.sched_yield();
}

/** Pins every thread of this process to `cpus`. */
export function pinToCpus(cpus: readonly number[]): void {
  const mask = mapMemory(MASK_BYTES);
  try {
    for (const cpu of cpus) {
      if (!Number.isInteger(cpu) || cpu < 0 || cpu >= MASK_BYTES * 8) {
        throw environment(`No CPU ${cpu} on this machine: it has ${allowedCpus().join(" ")}`);
      }
      mask.bytes[cpu >> 3] = (mask.bytes[cpu >> 3] ?? 0) | (1 << (cpu & 7));
    }
    for (const thread of readdirSync("/proc/self/task")) {
      if (c.sched_setaffinity(Number(thread), MASK_BYTES, mask.bytes) === 0) continue;
      const code = errno();
      if (code === EINVAL) {
        throw environment(
          `Can't run on CPUs ${cpus.join(" ")}: this process may use ${allowedCpus().join(" ")}`,
        );
      }
      // A thread that ended since the listing (ESRCH) needs no pinning.
      if (thread === String(process.pid))
        throw refused(`can't pin to CPUs ${cpus.join(" ")}`, code);
    }
  } finally {
    mask.unmap();
  }
}
