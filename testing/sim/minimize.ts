// A failing scenario made smaller: parts are left out and numbers cut for as long as the same checker
// still finds its fault. The seed stays, and with it every stream of random numbers that is left.
//
//   take out:  an event · a fault of a plan · a service stage · a target · an initiator
//   set:       late release, kick, think time, MTU, ports to what is plain
//   halve:     commands, depth, span, sectors, and when an event comes

import { createBreath } from "../../words/breath.ts";
import type { InitiatorPart, Scenario, TargetPart } from "./scenario.ts";

/** Whether a scenario still fails in the same way. */
export type Fails = (scenario: Scenario) => boolean;

/** The smallest that was found, after at most `most` runs, or when the signal came. */
export async function minimize(
  scenario: Scenario,
  fails: Fails,
  most = 2000,
  signal?: AbortSignal,
): Promise<Scenario> {
  const breath = createBreath();
  let best = scenario;
  let runs = 0;
  for (let shrunk = true; shrunk;) {
    shrunk = false;
    for (const candidate of candidates(best)) {
      await breath();
      if (runs >= most || signal?.aborted === true) return best;
      if (JSON.stringify(candidate) === JSON.stringify(best)) continue;
      runs++;
      if (!fails(candidate)) continue;
      best = candidate;
      shrunk = true;
      break;
    }
  }
  return best;
}

/** Each a step smaller, the largest steps first. */
function* candidates(scenario: Scenario): Generator<Scenario> {
  const { events, initiators, targets } = scenario;
  if (events.length > 1) yield { ...scenario, events: [] };
  // Ports of the switch are counted over all: without one of the parts the events' numbers would mean others.
  if (events.every((event) => "target" in event)) {
    for (let at = 0; initiators.length > 1 && at < initiators.length; at++) {
      yield { ...scenario, initiators: initiators.toSpliced(at, 1) };
    }
    if (targets.length > 1)
      yield { ...scenario, targets: targets.slice(0, 1), events: ofFirst(scenario) };
  }
  for (let at = 0; at < events.length; at++) yield { ...scenario, events: events.toSpliced(at, 1) };
  for (const [at, event] of events.entries()) {
    for (const after of below(event.after)) {
      yield { ...scenario, events: events.with(at, { ...event, after }) };
    }
  }
  for (const [at, part] of initiators.entries()) {
    for (const smaller of initiatorsBelow(part)) {
      yield { ...scenario, initiators: initiators.with(at, smaller) };
    }
  }
  for (const [at, part] of targets.entries()) {
    for (const smaller of targetsBelow(part)) {
      yield { ...scenario, targets: targets.with(at, smaller) };
    }
  }
  yield { ...scenario, mtu: 1500 };
  yield { ...scenario, latency: 1000 };
}

/** Without the events of other targets than the first. */
function ofFirst({ events }: Scenario): Scenario["events"] {
  return events.filter((event) => !("target" in event) || event.target === 0);
}

function* initiatorsBelow(part: InitiatorPart): Generator<InitiatorPart> {
  for (const faults of shorter(part.faults)) yield { ...part, faults };
  yield { ...part, reclaim: "eager" };
  yield { ...part, cancels: 0 };
  yield { ...part, think: 0 };
  yield { ...part, flushes: 0 };
  yield { ...part, retransmitTag: "same" };
  yield { ...part, windowLaw: "steady" };
  yield { ...part, kick: 100e6 };
  yield { ...part, timeout: 10e9 };
  yield { ...part, pool: { strategy: "completion", preallocated: 16, cap: 64, verify: 0 } };
  for (const commands of below(part.commands)) yield { ...part, commands };
  for (const iodepth of below(part.iodepth)) yield { ...part, iodepth };
  for (const span of below(part.span)) yield { ...part, span };
}

function* targetsBelow(part: TargetPart): Generator<TargetPart> {
  for (const service of shorter(part.service)) yield { ...part, service };
  for (const faults of shorter(part.faults)) yield { ...part, faults };
  yield { ...part, reclaim: "eager" };
  yield { ...part, storePolls: 0 };
  for (const sectors of below(part.sectors)) yield { ...part, sectors };
}

/** A list in commas without any, and without each one. */
function* shorter(text: string): Generator<string> {
  if (text === "") return;
  const parts = text.split(",");
  yield "";
  if (parts.length > 1)
    for (let at = 0; at < parts.length; at++) yield parts.toSpliced(at, 1).join(",");
}

/** Half of it, three quarters, one less. */
function* below(value: number): Generator<number> {
  for (const smaller of [value >> 1, Math.floor(value * 0.75), value - 1]) {
    if (smaller >= 1 && smaller < value) yield smaller;
  }
}
