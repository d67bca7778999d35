// Whether a load was the limit of a measurement and not its target: then the rate is too low, by
// an unknown factor.

import type { PeersFigures } from "./result.ts";

/** Busy for so much of the time, the load had no time left for more. */
const SATURATED = 0.95;
/** Busy for so much of it, and for more than the target, it is the slower of the two. */
const BUSIER = 0.8;

/** False where nothing is known. */
export function isLoadTheLimit({
  iops,
  load_busy_share: load,
  target_cpu_per_command_ns: cpu,
}: Pick<PeersFigures, "iops" | "load_busy_share" | "target_cpu_per_command_ns">): boolean {
  if (load === null) return false;
  const target = cpu === null ? null : (cpu * iops) / 1e9;
  return load >= SATURATED || (target !== null && load >= BUSIER && load > target);
}
