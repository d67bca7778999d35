// A session's options: the rows that `aoe initiator`, `aoe bench load`, a job and the library share, and their values.

import { DRIVE_MODES } from "../../link/drive.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { usableInterfaces } from "../../link/interface_names.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { expected, usage } from "../../words/failure.ts";
import {
  choice,
  flag,
  integer,
  type OptionTable,
  type RawOptions,
  parseOptions,
  path,
  positiveDuration,
  word,
} from "../../words/option.ts";
import { secretSeed } from "../../words/random.ts";
import { POOL_OPTIONS } from "../pool/options.ts";
import { WINDOW_LAWS } from "../protocol/window.ts";
import { checkRawLink, RAW_LINK_OPTIONS, type RawLinkOptions } from "./raw_link.ts";
import type { SessionOptions } from "./session.ts";

/** `--window` at most: the buffer count is a 16-bit field. */
const MOST_FRAMES = 0xffff;

/** What stands between an initiator and its link. */
export const WRAPPER_OPTIONS = {
  reclaim: {
    type: { hint: "model", parse: parseReclaim },
    default: "eager",
    help: "model of late release of transmit buffers: eager, coalesce:64/1ms, delay:1ms, next-xmit:100us, on-receive:100us, batch:32, ring:64/32, stuck",
  },
  faults: {
    type: { hint: "plan", parse: parseFaults },
    default: "",
    help: "faults of the link (drop, duplicate, reorder, corrupt, delay), such as tx:drop:1%,rx:delay:2ms",
  },
} as const satisfies OptionTable;

/** How an initiator asks, and asks again. */
export const PROTOCOL_OPTIONS = {
  timeout: {
    type: positiveDuration,
    default: "10s",
    help: "a request without an answer fails after this time",
  },
  packet_life: {
    type: positiveDuration,
    default: "1s",
    help: "how long a late copy of a write may still arrive; overlapping writes are held back",
  },
  window: {
    type: integer(1, MOST_FRAMES),
    help: "limit of the window, below the target's buffer count",
  },
  window_law: {
    type: choice(WINDOW_LAWS, "law"),
    default: "steady",
    help: "how the window follows losses; slow-start as in Linux now, stepwise as in Linux before 3.8",
  },
  retransmit_tag: {
    type: choice(["same", "new"], "tag"),
    default: "same",
    help: "new: as Linux does; a target can't recognize such a retransmit as a copy",
  },
  mode: {
    type: choice(DRIVE_MODES, "mode"),
    default: "low-latency",
    help: "how to wait for frames",
  },
} as const satisfies OptionTable;

/** What every initiator on an interface is told, session or load. */
export const INITIATOR_OPTIONS = {
  ...POOL_OPTIONS,
  ...RAW_LINK_OPTIONS,
  ...PROTOCOL_OPTIONS,
} as const satisfies OptionTable;

/** Of every `aoe initiator` command. */
export const SESSION_OPTIONS = {
  interface: {
    type: word,
    unit: "if",
    short: "i",
    many: true,
    help: "interface to send on; repeat it for multipath",
  },
  ...WRAPPER_OPTIONS,
  capture: { type: path, help: "write every frame to a pcap file" },
  ...INITIATOR_OPTIONS,
  seed: { type: integer(0), usual: "secret", help: "seed of tags and faults" },
  wait: {
    type: positiveDuration,
    default: "1s",
    help: "how long to wait for a device",
  },
  json: { type: flag, default: "off", help: "one JSON document on stdout; messages go to stderr" },
} as const satisfies OptionTable;

export type RawTableOptions = RawOptions<typeof SESSION_OPTIONS>;

/** Wrappers come in the order in which they are given, and so by another way (session_options.ts). */
const { reclaim: _reclaim, faults: _faults, capture: _capture, ...PLAIN } = SESSION_OPTIONS;

/** What texts don't say. */
type SessionSurroundings = Pick<SessionOptions, "wrappers" | "wallClock" | "onNotice">;

/** Checks all of them before anything is opened. */
export function sessionOptions(
  texts: RawTableOptions,
  surroundings: SessionSurroundings,
): SessionOptions {
  const values = parseOptions(PLAIN, texts);
  checkLinks(values);
  const { interface: interfaces, seed = secretSeed() } = values;
  return { ...values, ...surroundings, interfaces, seed };
}

/** Throws the usage Failure for interfaces and links that can't be had together. */
export function checkLinks(
  values: RawLinkOptions & { readonly interface: readonly string[] },
): void {
  const { interface: interfaces } = values;
  if (interfaces.length === 0) {
    const there = usableInterfaces();
    throw usage(
      there.length === 0
        ? "Expected `--interface` to be given, and no Ethernet interface is up here: `ip link` shows all"
        : `Expected \`--interface\` to be given: up here ${there.length === 1 ? "is" : "are"} ${there.join(", ")}`,
    );
  }
  if (new Set(interfaces).size < interfaces.length) {
    throw expected("--interface", "a different one each time", interfaces.join(" "));
  }
  if (values.transmitInterface !== undefined && interfaces.length !== 1) {
    throw expected("--interface", "only one with --transmit-interface", interfaces.join(" "));
  }
  checkRawLink(values);
}

/** ns above 0 of an option that a command has with a default of its own. */
export function durationOf(text: string | undefined, what: string, usual: number): number {
  return text === undefined ? usual : positiveDuration.parse(text, what);
}
