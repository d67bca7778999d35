// The keys of a job file: what each means, what it may be, and what it is when nobody says.
//
// A key is the long option of the same name with `_` for `-`; its value is the text that the option
// takes (a bare number is fine where the option takes one). Values stay text: they go to the child
// processes as options, and are checked here so that a bad one fails before anything runs.

import * as v from "valibot";
import { STRATEGIES } from "../../initiator/pool/buffer_pool.ts";
import { createRandom } from "../../words/random.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { XDP_USES } from "../../link/xdp_use.ts";
import { parseRing } from "../../initiator/session/raw_link.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { isProcess, PROCESSES } from "../load/arrivals.ts";
import { parseLatePlan } from "../../lab/late_plan.ts";
import { parseThreshold } from "./threshold.ts";
import { isOrder, ORDERS } from "../load/workload.ts";
import { parseAddress } from "../../words/address.ts";
import { expected, Failure } from "../../words/failure.ts";
import { parseDuration, parseInteger, parseSize } from "../../words/quantity.ts";

/** Throws the usage Failure where `text` is not a value of the key called `what`. */
type Check = (text: string, what: string) => void;

const size: Check = (text, what) => {
  parseSize(text, what);
};
const duration: Check = (text, what) => {
  parseDuration(text, what);
};
const integer =
  (min: number, max?: number): Check =>
  (text, what) => {
    parseInteger(text, what, min, max);
  };
const oneOf =
  (values: readonly string[], among: (text: string) => boolean): Check =>
  (text, what) => {
    if (!among(text)) throw expected(what, `one of ${values.join(", ")}`, text);
  };
const list = (...values: string[]): Check => oneOf(values, (text) => values.includes(text));

const any: Check = () => {};
const address: Check = (text, what) => {
  if (text !== "") parseAddress(text, what);
};
const optionalInteger: Check = (text, what) => {
  if (text !== "") parseInteger(text, what, 0);
};

const kick: Check = (text, what) => {
  if (text === "on-release") return;
  let wait = 0;
  try {
    wait = parseDuration(text, what);
  } catch {
    // The rule has more to say than a duration's.
  }
  if (!(wait > 0)) throw expected(what, "a duration > 0 (100ms), or `on-release`", text);
};

const reclaim: Check = (text, what) => {
  parseReclaim(text, what);
};
const late: Check = (text, what) => {
  if (text !== "") parseLatePlan(text, what);
};
const ring: Check = (text, what) => {
  if (text !== "") parseRing(text, what);
};
const faults: Check = (text, what) => {
  if (text !== "") parseFaults(text, what);
};
const service: Check = (text, what) => {
  if (text !== "") parseServiceModel(text, { what, random: createRandom(0), sectors: 1 });
};

interface Key {
  readonly check: Check;
  readonly value: string;
  /** One value a run: no list. */
  readonly single?: true;
  readonly about: string;
}

export const KEYS = {
  // The lab.
  mtu: { check: integer(576, 65_535), value: "9000", about: "of the veth pair" },
  link: {
    check: list("auto", "packet", "ring", "memory", "virtual"),
    value: "auto",
    single: true,
    about:
      "raw sockets in a lab (packet, or ring: transmit from memory that the kernel holds); one process; one process under a virtual clock (exact, repeatable)",
  },
  late: {
    check: late,
    value: "",
    about:
      "late lab: when the kernel holds what was sent (ring link): hold:AT,release:AT,drop:AT or pulse:PAUSE/PERIOD, from the warm-up's end on",
  },
  latency: { check: duration, value: "10us", about: "one way, under the virtual clock" },
  memory: {
    check: list("array", "malloc"),
    value: "array",
    about:
      "of transmit frames on the memory and virtual links: typed arrays, or malloc through FFI",
  },
  trials: { check: integer(1, 1000), value: "1", single: true, about: "trials of each cell" },
  order: {
    check: list("random", "abba"),
    value: "random",
    single: true,
    about: "of cells: a seeded order each round, or forwards and backwards by turns",
  },
  seed: {
    check: integer(0, 2 ** 32 - 1),
    value: "1",
    single: true,
    about: "seed of the order of trials",
  },
  retries: {
    check: integer(0, 10),
    value: "1",
    single: true,
    about: "how often a trial that others disturbed is repeated",
  },
  floor: {
    check: list("on", "off"),
    value: "on",
    single: true,
    about: "measure the harness's own floor against a null target (packet link)",
  },
  initiators: { check: integer(1, 16), value: "1", about: "loads at once, each on a veth pair" },
  targets: { check: integer(1, 16), value: "1", about: "targets 7.3, 7.4 …; loads take turns" },
  // Instead of a lab: what runs already, on this or another machine.
  interface: { check: any, value: "", single: true, about: "where the target is reached" },
  target: { check: address, value: "", single: true, about: "address of a target that runs" },
  target_control: {
    check: any,
    value: "",
    single: true,
    about: "its control socket: sets service",
  },
  tx_usecs: { check: optionalInteger, value: "", about: "ethtool -C of the interface" },
  tx_frames: { check: optionalInteger, value: "", about: "ethtool -C of the interface" },
  // The target.
  service: { check: service, value: "", about: "service models of the target" },
  buffer_count: {
    check: integer(1, 65_535),
    value: "16",
    about: "what the target admits (its window)",
  },
  store: {
    check: list("image", "null"),
    value: "image",
    about:
      "null: a target that answers at once and stores nothing, so that only our side costs; without `service`",
  },
  image_size: { check: size, value: "16m", about: "length of the image" },
  // The workload (fio's words).
  rw: { check: oneOf(ORDERS, isOrder), value: "randread", about: "order and direction" },
  bs: { check: size, value: "4k", about: "bytes of a command" },
  iodepth: { check: integer(1, 65_536), value: "16", about: "commands outstanding at most" },
  runtime: { check: duration, value: "1s", about: "measured time of a trial" },
  warm_up: {
    check: duration,
    value: "300ms",
    about: "before the ramp: full speed, the link lets go at once (code gets compiled)",
  },
  ramp_time: { check: duration, value: "200ms", about: "warm-up before it, not in the figures" },
  rwmixread: { check: integer(0, 100), value: "50", about: "percent of reads in a mixed order" },
  randseed: { check: integer(0, 2 ** 32 - 1), value: "1", about: "seed of the workload" },
  rate_iops: {
    check: integer(0),
    value: "0",
    about: "open loop, commands a second; 0: closed loop",
  },
  rate_process: {
    check: oneOf(PROCESSES, isProcess),
    value: "linear",
    about: "arrivals of the open loop",
  },
  offset: { check: size, value: "0", about: "where the region begins, bytes" },
  size: { check: size, value: "0", about: "length of the region, bytes; 0: to the end" },
  verify: { check: list("none", "crc32c"), value: "none", about: "stamps in what is written" },
  // The initiator.
  reclaim: { check: reclaim, value: "eager", about: "when the link lets go of a buffer" },
  write_lane: {
    check: list("on", "off"),
    value: "off",
    about: "answers to writes come by a socket of their own",
  },
  receive_ring: { check: ring, value: "", about: "memory of the receive ring; 4m" },
  lane_ring: { check: ring, value: "", about: "memory of the write lane's; 4m" },
  xdp: {
    check: list(...XDP_USES),
    value: "auto",
    about: "small frames leave by AF_XDP; auto: where nothing would miss them",
  },
  faults: { check: faults, value: "", about: "faults on the initiator's link" },
  drag: {
    check: duration,
    value: "0us",
    about: "CPU time burnt for every transmit: a slow-down to be found (bench prove)",
  },
  pool: { check: list(...STRATEGIES), value: "scan-swap", about: "the pool's strategy" },
  pool_prealloc: { check: integer(1, 65_536), value: "16", about: "buffers made at the start" },
  pool_cap: { check: integer(0, 65_536), value: "256", about: "extra buffers at most" },
  kick: { check: kick, value: "100ms", about: "retry when dry with nothing outstanding" },
} as const satisfies Record<string, Key>;

export type KeyName = keyof typeof KEYS;
export const KEY_NAMES = Object.keys(KEYS) as KeyName[];

export function isKey(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}
export function isSingle(name: KeyName): boolean {
  return "single" in KEYS[name];
}

/** A value with the name that tables show: the key of a labelled list, else the text itself. */
export interface Choice {
  readonly label: string;
  readonly text: string;
}

const scalar = v.union(
  [v.string(), v.number()],
  (issue) => `Expected a text or a number, got \`${shown(issue.input)}\``,
);

/** One value, a list of values, or a table of labelled values; in the end a list of choices. */
function choices(name: KeyName) {
  return v.pipe(
    v.union(
      [scalar, v.array(scalar), v.record(v.string(), scalar)],
      (issue) =>
        expected(name, "a value, a list of values or a table of named values", shown(issue.input))
          .message,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const found = listed(dataset.value);
      try {
        if (found.length === 0) throw expected(name, "a list of at least one value", "[]");
        if (isSingle(name) && found.length !== 1)
          throw expected(name, "a single value", shown(dataset.value));
        for (const { text } of found) KEYS[name].check(text, name);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
      return found;
    }),
  );
}

function listed(
  value: string | number | (string | number)[] | Record<string, string | number>,
): Choice[] {
  if (Array.isArray(value)) return value.map((one) => ({ label: String(one), text: String(one) }));
  if (typeof value === "object") {
    return Object.entries(value).map(([label, text]) => ({ label, text: String(text) }));
  }
  return [{ label: String(value), text: String(value) }];
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

type Entries = { [K in KeyName]: v.OptionalSchema<ReturnType<typeof choices>, undefined> };

const thresholds = v.pipe(
  v.union(
    [v.array(v.string()), v.string()],
    (issue) =>
      expected("thresholds", "a list of texts such as lat.p99<2ms", shown(issue.input)).message,
  ),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const texts = [dataset.value].flat();
    try {
      for (const text of texts) parseThreshold(text);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
    return texts;
  }),
);

/** A section of a job file: `[global]` or a job. `thresholds` is a list, and no matrix. */
export const Section = v.strictObject({
  ...(Object.fromEntries(KEY_NAMES.map((name) => [name, v.optional(choices(name))])) as Entries),
  thresholds: v.optional(thresholds),
});
export type Section = Partial<Record<KeyName, readonly Choice[]>> & {
  readonly thresholds?: readonly string[];
};
