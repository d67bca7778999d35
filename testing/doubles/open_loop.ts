// An open loop for tests of service models: commands that arrive when they are due, whatever has
// become of those before, and how long each took.

import type { Frame } from "../../wire/frame.ts";
import type { Probe } from "./probe.ts";

export interface Arrival {
  /** ns from the start. */
  readonly at: number;
  /** Its tag is the arrival's place in the list. */
  readonly frame: Frame;
}

/** Times from arrival to each answer, ns, sorted; an answer that came twice counts twice. */
export function serveArrivals(probe: Probe, arrivals: readonly Arrival[]): number[] {
  const { clock, target } = probe;
  const start = clock.now();
  const times: number[] = [];
  let next = 0;
  for (;;) {
    const due = next < arrivals.length ? start + (arrivals[next] as Arrival).at : Infinity;
    const wake = Math.min(due, target.nextDeadline());
    if (wake === Infinity) break;
    if (wake > clock.now()) clock.wait(wake);
    while (next < arrivals.length && start + (arrivals[next] as Arrival).at <= clock.now()) {
      probe.send((arrivals[next] as Arrival).frame);
      next++;
    }
    probe.iterate();
    for (const { aoe } of probe.take()) {
      times.push(clock.now() - start - (arrivals[aoe.tag] as Arrival).at);
    }
  }
  return times.sort((a, b) => a - b);
}

export interface Summary {
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

export function summarize(sorted: readonly number[]): Summary {
  const at = (p: number): number => sorted[Math.floor(p * sorted.length)] as number;
  return {
    mean: sorted.reduce((sum, time) => sum + time, 0) / sorted.length,
    p50: at(0.5),
    p99: at(0.99),
  };
}
