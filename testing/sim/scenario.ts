// A scenario: everything that a simulated run depends on, as plain JSON. A seed makes one
// (generate.ts), a failure is shrunk to a smaller one (minimize.ts), a file can hold one.
//
//   initiators ── links ── [reclaim] ── [faults] ──┐          ┌── [faults] ── [reclaim] ── ports ── targets
//                                                  └─ switch ─┘
//
// Ports of the switch count from 0: those of the targets first, in their order, then the initiators' links.
// Texts are those of the command line: fault plans, service models, reclaim models.

import {
  type InferOutput,
  array,
  integer,
  literal,
  maxValue,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  safeParse,
  strictObject,
  string,
  union,
  variant,
} from "valibot";

import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { WINDOW_LAWS } from "../../initiator/protocol/window.ts";
import { usage } from "../../words/failure.ts";

const whole = (least: number, most: number) =>
  pipe(number(), integer(), minValue(least), maxValue(most));
/** ns. */
const time = whole(0, 1e12);

const targetPart = strictObject({
  ports: whole(1, 4),
  sectors: whole(1, 1 << 20),
  bufferCount: whole(2, 65_535),
  service: string(),
  faults: string(),
  reclaim: string(),
  /** The store ends an operation when it is asked for the so-manieth time; 0: at once. */
  storePolls: whole(0, 100),
});

const initiatorPart = strictObject({
  links: whole(1, 4),
  faults: string(),
  reclaim: string(),
  pool: strictObject({
    strategy: picklist(STRATEGIES),
    preallocated: whole(1, 4096),
    cap: whole(0, 4096),
    /** Every invariant at every step. */
    verify: whole(0, 1),
  }),
  kick: union([time, literal("on-release")]),
  timeout: time,
  windowLaw: picklist(WINDOW_LAWS),
  retransmitTag: picklist(["same", "new"]),
  /** Of the workload, at each target. */
  commands: whole(0, 1e9),
  iodepth: whole(1, 4096),
  /** Sectors of a command, at most. */
  span: whole(1, 255),
  /** Of a hundred commands. */
  reads: whole(0, 100),
  flushes: whole(0, 100),
  /** Of a thousand commands, withdrawn while they are out. */
  cancels: whole(0, 1000),
  /** ns between a command's end and the next one's start; 0: at once. */
  think: time,
  /** 1: each write goes to a place of its own, in order; else 0. */
  apart: optional(whole(0, 1)),
});

/** Each begins when so many commands have ended, and mostly lasts for so many ns. */
const event = variant("kind", [
  strictObject({ kind: literal("flap"), after: whole(0, 1e9), port: whole(0, 63), for: time }),
  strictObject({ kind: literal("congest"), after: whole(0, 1e9), port: whole(0, 63), for: time }),
  /** The port's MTU; −1: every port's. */
  strictObject({
    kind: literal("mtu"),
    after: whole(0, 1e9),
    port: whole(-1, 63),
    mtu: whole(534, 65_535),
  }),
  /** The target dies with all it has in hand and comes back as a new process. */
  strictObject({ kind: literal("crash"), after: whole(0, 1e9), target: whole(0, 15), for: time }),
  /** The same, and it comes back by other addresses, as a standby that takes over does. */
  strictObject({
    kind: literal("takeover"),
    after: whole(0, 1e9),
    target: whole(0, 15),
    for: time,
  }),
  /** The port refuses frames of more bytes, as a queue discipline does. */
  strictObject({
    kind: literal("obstruct"),
    after: whole(0, 1e9),
    port: whole(0, 63),
    longest: whole(60, 65_549),
    for: time,
  }),
  /** Frames of more bytes that the port sends get lost in silence. */
  strictObject({
    kind: literal("swallow"),
    after: whole(0, 1e9),
    port: whole(0, 63),
    longest: whole(60, 65_549),
    for: time,
  }),
  /** The port has another address from then on. */
  strictObject({ kind: literal("mac"), after: whole(0, 1e9), port: whole(0, 63) }),
  /** Another target, with another disk, claims the address of this one. */
  strictObject({ kind: literal("claim"), after: whole(0, 1e9), target: whole(0, 15), for: time }),
  /** The target's disk has so many sectors. */
  strictObject({
    kind: literal("resize"),
    after: whole(0, 1e9),
    target: whole(0, 15),
    sectors: whole(1, 1 << 20),
    for: time,
  }),
]);

const scenario = object({
  seed: whole(0, Number.MAX_SAFE_INTEGER),
  mtu: whole(534, 65_535),
  /** ns from port to port. */
  latency: time,
  packetLife: time,
  targets: array(targetPart),
  initiators: array(initiatorPart),
  events: array(event),
  /** Faults and service models end now at the latest, ns; earlier where the workload is through. */
  calmAt: time,
});

export type Scenario = InferOutput<typeof scenario>;
export type TargetPart = InferOutput<typeof targetPart>;
export type InitiatorPart = InferOutput<typeof initiatorPart>;
export type ScenarioEvent = InferOutput<typeof event>;

/** The scenario in `text`, or a usage failure that says what is wrong with it. */
export function parseScenario(text: string, what: string): Scenario {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usage(`${what} is not JSON`);
  }
  const parsed = safeParse(scenario, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const path = (issue.path ?? []).map(({ key }) => String(key)).join(".");
  throw usage(`${what} is not a scenario: ${path === "" ? "" : `${path}: `}${issue.message}`);
}

/** What of a scenario decides which rules hold in it. */
export interface Traits {
  /** Frames are altered on their way: data and addresses mean nothing. */
  readonly corrupts: boolean;
  /** Nothing is lost, late or broken: every command ends well, none is sent twice because an answer is missing. */
  readonly clean: boolean;
  /** Every copy of a write has its first one's tag, path and size. */
  readonly sameCopies: boolean;
  /** A target can answer with an ATA error; with an AoE error. */
  readonly ataErrors: boolean;
  readonly aoeErrors: boolean;
  readonly crashes: boolean;
  /** An address can change. */
  readonly moves: boolean;
  /**
   * Some pool can run dry for good: its driver cleans only on its way through a transmit or a receive, and with
   * every buffer held there is neither; or never.
   */
  readonly starving: boolean;
}

export function traitsOf(scenario: Scenario): Traits {
  const { targets, initiators, events } = scenario;
  const faults = [...targets, ...initiators].map((part) => part.faults).join(",");
  const services = targets.map((part) => part.service).join(",");
  const kinds = new Set(events.map(({ kind }) => kind));
  const disturbed = /drop|hang|stall|rate|seek|error|reorder|delay|duplicate/.test(services);
  const kind = (name: ScenarioEvent["kind"]) => kinds.has(name);
  const corrupts = faults.includes("corrupt");
  return {
    corrupts,
    clean:
      !/[a-z]/.test(faults) &&
      events.length === 0 &&
      !disturbed &&
      initiators.every(
        (part) => part.cancels === 0 && part.timeout >= 1e9 && part.reclaim === "eager",
      ),
    sameCopies:
      targets.every(({ ports }) => ports === 1) &&
      initiators.every(({ links, retransmitTag }) => links === 1 && retransmitTag === "same") &&
      !kind("mtu") &&
      // P28 goes by the source address, and a path is another one by another address.
      !kind("mac") &&
      !kind("takeover") &&
      // A refused frame is cut, and the next ones of its path with it.
      !services.includes("error:2") &&
      scenario.mtu < 2000,
    ataErrors: corrupts || /error:[a-z]/.test(services) || kind("resize"),
    aoeErrors: corrupts || kind("mtu") || /error:\d/.test(services),
    crashes: kind("crash") || kind("takeover"),
    moves: kind("mac") || kind("takeover"),
    starving: initiators.some(({ reclaim }) =>
      /stuck|next-xmit|on-receive|batch|ring/.test(reclaim),
    ),
  };
}
