// Whether a load was the limit of a measurement and not its target: then the rate is too low, by
// an unknown factor.

import { rate } from "../../words/shown.ts";

interface Loaded {
  readonly iops: number;
  readonly load_busy_share: number | null;
  readonly target_cpu_per_command_ns: number | null;
}

/** Busy for so much of the time, the load had no time left for more. */
const SATURATED = 0.95;
/** Busy for so much of it, and for more than the target, it is the slower of the two. */
const BUSIER = 0.8;

/** False where nothing is known. */
export function isLoadTheLimit(figures: Loaded): boolean {
  const { iops, load_busy_share: load, target_cpu_per_command_ns: cpu } = figures;
  if (load === null) return false;
  // A target that polls is busy all the time: its share alone tells nothing.
  const target = cpu === null ? null : (cpu * iops) / 1e9;
  return load >= SATURATED || (target !== null && load >= BUSIER && load > target);
}

/** In most of the trials of one point. */
export function mostlyByLoad(trials: readonly Loaded[]): boolean {
  return 2 * trials.filter(isLoadTheLimit).length > trials.length;
}

/** A rate; where the load was the limit, what the target does at least. */
export function atLeast(byLoad: boolean, iops: number): string {
  return `${byLoad ? "≥ " : ""}${rate(iops)}`;
}
