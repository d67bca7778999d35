// What this process has cost so far: CPU time, faults and context switches of all its threads, as
// getrusage(2) counts them.

import { refused } from "./errno.ts";
import { libc } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({ getrusage: { args: ["i32", "ptr"], returns: "i32" } });

const RUSAGE_SELF = 0;
/** struct rusage: two timevals of 16 bytes, then fourteen longs. */
const memory = mapMemory(144);
const MAXRSS = 32;
const MINFLT = 64;
const MAJFLT = 72;
const NVCSW = 128;
const NIVCSW = 136;

export interface Usage {
  /** CPU time in user mode and in the kernel, ns (grain: 1 µs). */
  user: number;
  system: number;
  /** Most resident memory so far. */
  peakBytes: number;
  minorFaults: number;
  majorFaults: number;
  /** Gave the CPU up (slept), had it taken away. */
  voluntarySwitches: number;
  involuntarySwitches: number;
}

/** Fills `into`, or a new record, with this process's use so far. */
export function usage(into: Usage = blank()): Usage {
  if (c.getrusage(RUSAGE_SELF, memory.bytes) < 0) throw refused("can't read the resource usage");
  into.user = time(0);
  into.system = time(16);
  into.peakBytes = long(MAXRSS) * 1024;
  into.minorFaults = long(MINFLT);
  into.majorFaults = long(MAJFLT);
  into.voluntarySwitches = long(NVCSW);
  into.involuntarySwitches = long(NIVCSW);
  return into;
}

function blank(): Usage {
  return {
    user: 0,
    system: 0,
    peakBytes: 0,
    minorFaults: 0,
    majorFaults: 0,
    voluntarySwitches: 0,
    involuntarySwitches: 0,
  };
}

function long(offset: number): number {
  const { view } = memory;
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

function time(offset: number): number {
  return long(offset) * 1e9 + long(offset + 8) * 1e3;
}
