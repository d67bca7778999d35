// The options of a load: of `aoe bench load` and, in LOAD_KEYS, of a job too. A row that is added to WORKLOAD is an
// option of the command, a key that a job may sweep, and a value of LoadOptions; nothing else names it but the code
// that uses the value.

import { SOCKET_OPTIONS } from "../../initiator/session/raw_link.ts";
import {
  INITIATOR_OPTIONS,
  type PROTOCOL_OPTIONS,
  SESSION_OPTIONS,
  WRAPPER_OPTIONS,
} from "../../initiator/session/session_table.ts";
import { POOL_OPTIONS } from "../../initiator/pool/options.ts";
import { parseLatePlan } from "../../lab/late_plan.ts";
import { expected } from "../../words/failure.ts";
import {
  choice,
  duration,
  flag,
  integer,
  type OptionTable,
  type RawOptions,
  optionTexts,
  type OptionType,
  type OptionValues,
  parseOptions,
  path,
  positiveDuration,
  size,
} from "../../words/option.ts";
import { parseInteger, parseSize } from "../../words/quantity.ts";
import { SECTOR } from "../../wire/ata.ts";
import { PROCESSES } from "./arrivals.ts";
import { TRACE_LIMIT, TRACE_MOST } from "./trace/trace_limit.ts";
import { ORDERS } from "./workload.ts";

const blockSize: OptionType<number> = {
  hint: "size",
  parse(text, what) {
    const bytes = parseSize(text, what);
    if (bytes > 0 && bytes % SECTOR === 0) return bytes;
    throw expected(what, "a multiple of 512 bytes", text);
  },
};

const cpus: OptionType<readonly number[]> = {
  hint: "list",
  parse: (text, what) => text.split(",").map((cpu) => parseInteger(cpu, what, 0)),
};

const MOST_SEED = 2 ** 32 - 1;

/** fio's names and values, where fio has the option. */
const WORKLOAD = {
  rw: {
    type: choice(ORDERS, "order"),
    default: "randread",
    help: "order and direction; only those with `write` or `rw` in their names write",
  },
  bs: { type: blockSize, default: "4k", help: "bytes of a command" },
  iodepth: { type: integer(1, 65_536), default: "16", help: "most outstanding commands" },
  runtime: { type: positiveDuration, default: "1s", help: "measured time" },
  warm_up: {
    type: duration,
    default: "300ms",
    help: "time before the ramp at full speed, with early release, so that code is compiled",
  },
  ramp_time: {
    type: duration,
    default: "200ms",
    help: "time before the measured time, under the measured conditions; not in the figures",
  },
  rwmixread: {
    type: integer(0, 100),
    unit: "percent",
    default: "50",
    help: "percent of reads in a mixed order",
  },
  randseed: { type: integer(0, MOST_SEED), default: "1", help: "seed of places, mix and arrivals" },
  rate_iops: {
    type: integer(0),
    default: "0",
    help: "open loop: commands per second, due by the clock; 0: closed loop",
  },
  rate_process: {
    type: choice(PROCESSES, "process"),
    default: "linear",
    help: "arrivals of the open loop",
  },
  offset: { type: size, default: "0", help: "start of the region" },
  size: { type: size, default: "0", help: "length of the region; 0: to the end of the device" },
  verify: {
    type: choice(["none", "crc32c"], "method"),
    default: "none",
    help: "crc32c: stamp every sector written, check every sector read",
  },
  late: {
    type: { hint: "plan", parse: parseLatePlan },
    default: "",
    help: "in the late lab (links ring and xdp), when t0 holds sent frames: hold:AT,release:AT,drop:AT or pulse:PAUSE/PERIOD, from the end of the warm-up",
  },
  drag: {
    type: duration,
    default: "0us",
    help: "CPU time burnt for each transmit: a slow-down of known size (`bench prove`)",
  },
} as const satisfies OptionTable;

/** What a load is told, by hand or by a job. */
export const LOAD_KEYS = {
  ...WORKLOAD,
  ...WRAPPER_OPTIONS,
  ...SOCKET_OPTIONS,
  ...POOL_OPTIONS,
} as const satisfies OptionTable;

/** Of `aoe bench load`. */
export const LOAD_OPTIONS = {
  interface: { ...SESSION_OPTIONS.interface, help: "interface on which the device is reached" },
  ...LOAD_KEYS,
  ...INITIATOR_OPTIONS,
  packet_life: { ...INITIATOR_OPTIONS.packet_life, type: duration },
  cpus: { type: cpus, help: "run on these CPUs only: 1 or 0,2" },
  gate: {
    type: flag,
    default: "off",
    help: "say `ready` on stderr, and begin when a line on stdin says: ns of CLOCK_MONOTONIC",
  },
  target_pid: {
    type: integer(1),
    unit: "pid",
    help: "also report the CPU time of this process, the target",
  },
  // A load is often started together with its target.
  wait: { ...SESSION_OPTIONS.wait, type: duration, default: "5s" },
  json: { type: flag, default: "off", help: "fio's json+ with an `aoe` block, on stdout" },
  ndjson: {
    type: flag,
    default: "off",
    help: "a line of JSON at the start, at each interval and at the end, on stdout",
  },
  hgrm: { type: path, help: "write the latencies as an HdrHistogram percentile distribution" },
  hlog: { type: path, help: "write the latencies as an HdrHistogram log" },
  trace: {
    type: path,
    help: "write the life of each buffer and command as a Chrome trace (Perfetto)",
  },
  trace_limit: {
    type: integer(1, TRACE_MOST),
    help: `most commands in the trace (default ${TRACE_LIMIT})`,
  },
} as const satisfies OptionTable;

export type LoadTexts = RawOptions<typeof LOAD_KEYS>;
export type LoadCommandTexts = RawOptions<typeof LOAD_OPTIONS>;

/** What runLoad goes by: a job says less of the initiator than a command line. */
export interface LoadOptions
  extends OptionValues<typeof LOAD_KEYS>, Partial<OptionValues<typeof PROTOCOL_OPTIONS>> {
  /** The text of each option, for the result; fio's names. */
  readonly texts: Readonly<Record<string, string>>;
}

export function parseLoad(given: LoadTexts): LoadOptions {
  return { ...parseOptions(LOAD_KEYS, given), texts: optionTexts(LOAD_KEYS, given) };
}

/** All that the command takes. */
export function parseLoadCommand(
  given: LoadCommandTexts,
): LoadOptions & OptionValues<typeof LOAD_OPTIONS> {
  return { ...parseOptions(LOAD_OPTIONS, given), texts: optionTexts(LOAD_OPTIONS, given) };
}
