// What a target costs of which nothing is asked (idle_probe.ts), in a lab of its own.

import type { LabShape } from "../../lab/setup.ts";
import { ownFile } from "../../sys/root.ts";
import { type ProbeRun, runProbe } from "../machine/probe.ts";
import type { IdleFigures, IdleTask } from "./idle_probe.ts";

const PROBE = ownFile("bench/peers/idle_probe.ts");

export function probeIdle(
  task: Omit<IdleTask, "target_cpu" | "own_cpu">,
  pinning: { readonly target: number | null; readonly load: number | null },
  shape: LabShape,
  signal: AbortSignal | undefined,
): Promise<ProbeRun<IdleFigures>> {
  const whole: IdleTask = { ...task, target_cpu: pinning.target, own_cpu: pinning.load };
  return runProbe(PROBE, whole, shape, signal);
}
