// What another process of this machine has cost so far, as the kernel's scheduler counts it: nanoseconds on a CPU,
// where utime and stime of /proc/PID/stat come in hundredths of a second. Both count the same time.

import { readdirSync, readFileSync } from "node:fs";

export interface ProcessCost {
  /** CPU time of all threads that there are, in user mode and in the kernel. */
  readonly cpu_ns: number;
  readonly resident_bytes: number;
}

/** null: there is no such process, or this kernel does not count (CONFIG_SCHED_INFO). */
export function processCost(pid: number): ProcessCost | null {
  try {
    let cpu = 0;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const [spent = ""] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(
        " ",
      );
      cpu += Number(spent);
    }
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const kib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
    return Number.isNaN(cpu + kib) ? null : { cpu_ns: cpu, resident_bytes: kib * 1024 };
  } catch {
    return null;
  }
}

/** A process that is watched over the measured time of a load. */
export interface WatchedProcess {
  begin(): void;
  end(): void;
  /** CPU time between the two, and the memory at the end; null: not known. */
  readonly cost: ProcessCost | null;
}

export function watchProcess(pid: number): WatchedProcess {
  let before: ProcessCost | null = null;
  let after: ProcessCost | null = null;
  return {
    begin() {
      before = processCost(pid);
    },
    end() {
      after = processCost(pid);
    },
    get cost() {
      return before === null || after === null
        ? null
        : { cpu_ns: after.cpu_ns - before.cpu_ns, resident_bytes: after.resident_bytes };
    },
  };
}
