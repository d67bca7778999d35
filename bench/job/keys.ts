// The keys of a job file: THE table of what a run may be told. A key is the long option of the same name with `_`
// for `-`; its value is the text that the option takes (a bare number is fine where the option takes one).
//
//   lab, run and target   rows here              no option of another command
//   load and initiator    LOAD_KEYS              the options of `aoe bench load` that a job may sweep
//
// A text is parsed once, when the job is read, so that a bad one fails before anything runs. Texts travel on beside
// their values: child processes take them as options, and results keep them.

import * as v from "valibot";
import { PINNING_LINKS } from "../../initiator/session/raw_link.ts";
import { DEFAULT_MTU } from "../../lab/setup.ts";
import { DEFAULT_BUFFER_COUNT } from "../../target/protocol/export.ts";
import { parseServiceModel } from "../../target/service/model.ts";
import { parseAddress } from "../../words/address.ts";
import { expected, Failure } from "../../words/failure.ts";
import {
  choice,
  duration,
  integer,
  type OptionRow,
  type OptionType,
  type OptionValue,
  type OptionValues,
  parseOption,
  size,
  word,
} from "../../words/option.ts";
import { parseInteger, parseProbability } from "../../words/quantity.ts";
import { createRandom } from "../../words/random.ts";
import { LOAD_KEYS } from "../load/options.ts";
import { hostNames } from "./host_pattern.ts";
import { parseThreshold } from "./threshold.ts";

/** Checked, and built again for each target. */
const service: OptionType<string> = {
  hint: "model",
  parse(text, what) {
    parseServiceModel(text, { what, random: createRandom(0), sectors: 1 });
    return text;
  },
};

/** `9`, or `3..20`. */
const trialCount: OptionType<{ readonly least: number; readonly most: number }> = {
  hint: "n",
  parse(text, what) {
    const [first = "", last = first, ...more] = text.split("..");
    const least = parseInteger(first, what, 1, MOST_TRIALS);
    const most = parseInteger(last, what, 1, MOST_TRIALS);
    if (least > most || more.length > 0) {
      throw expected(what, "a number, or a range such as 3..20", text);
    }
    return { least, most };
  },
};
const MOST_TRIALS = 1000;

const share: OptionType<number> = { hint: "share", parse: parseProbability };

const COALESCING = "coalescing of the load's interface (ethtool -C)";

interface Key extends OptionRow {
  readonly default: string;
  /** One value a run: no list. */
  readonly single?: true;
}

export const KEYS = {
  // The lab.
  mtu: { type: integer(576, 65_535), default: `${DEFAULT_MTU}`, help: "MTU of the veth pair" },
  link: {
    type: choice(["auto", "packet", ...PINNING_LINKS, "memory", "virtual"], "kind"),
    default: "auto",
    single: true,
    help: "packet: raw sockets in a lab; ring, xdp: the same, transmit from memory that the kernel holds; memory: one process; virtual: one process under a virtual clock (exact, repeatable); auto: packet, or memory without a lab",
  },
  latency: {
    type: duration,
    default: "10us",
    help: "latency of one direction, under the virtual clock",
  },
  memory: {
    type: choice(["array", "malloc"], "kind"),
    default: "array",
    help: "memory of transmit frames on the memory and virtual links: typed arrays, or malloc through FFI",
  },
  trials: {
    type: trialCount,
    default: "1",
    single: true,
    help: "trials of each cell; 3..20: until `precision` is met, at least 3 and at most 20",
  },
  precision: {
    type: share,
    default: "",
    single: true,
    help: "how far the median's 95 % interval may reach, such as 2%; IOPS, or p99 with `rate_iops`",
  },
  order: {
    type: choice(["random", "abba"], "order"),
    default: "random",
    single: true,
    help: "order of cells: random from the seed in each round, or alternately forwards and backwards",
  },
  seed: {
    type: integer(0, 2 ** 32 - 1),
    default: "1",
    single: true,
    help: "seed of the order of trials",
  },
  retries: {
    type: integer(0, 10),
    default: "1",
    single: true,
    help: "how often a disturbed trial is repeated",
  },
  floor: {
    type: choice(["on", "off"], "when"),
    default: "on",
    single: true,
    help: "measure the floor of the bench, against a null target (packet link)",
  },
  initiators: {
    type: integer(1, 16),
    default: "1",
    help: "simultaneous loads, each on its own veth pair",
  },
  targets: {
    type: integer(1, 16),
    default: "1",
    help: "number of targets (e7.3, e7.4, …); loads use them in turn",
  },
  // Instead of a lab: what runs already, on this or another machine.
  interface: { type: word, default: "", single: true, help: "interface of an existing target" },
  target: {
    type: { hint: "address", parse: parseAddress },
    default: "",
    single: true,
    help: "address of an existing target",
  },
  target_control: {
    type: word,
    default: "",
    single: true,
    help: "its control socket, to set `service`",
  },
  // Or hosts, which [hosts] has.
  target_hosts: {
    type: hostNames,
    default: "",
    help: "hosts of the targets, one each: e7.3, e7.4, …; a pattern such as t[1-4]",
  },
  initiator_hosts: {
    type: hostNames,
    default: "",
    help: "hosts of the loads, one each; a pattern such as i[1-8]",
  },
  rx_usecs: { type: integer(0), default: "", help: COALESCING },
  rx_frames: { type: integer(0), default: "", help: COALESCING },
  tx_usecs: { type: integer(0), default: "", help: COALESCING },
  tx_frames: { type: integer(0), default: "", help: COALESCING },
  // The target.
  service: { type: service, default: "", help: "service model of the target" },
  buffer_count: {
    type: integer(1, 65_535),
    default: `${DEFAULT_BUFFER_COUNT}`,
    help: "requests that the target accepts at a time",
  },
  store: {
    type: choice(["image", "null"], "kind"),
    default: "image",
    help: "null: a target that answers at once and stores nothing, to measure only the load's cost; without `service`",
  },
  image_size: { type: size, default: "16m", help: "length of the image" },
  // The load and its initiator.
  ...LOAD_KEYS,
} as const satisfies Record<string, Key>;

export const COALESCING_KEYS = ["rx_usecs", "rx_frames", "tx_usecs", "tx_frames"] as const;

export type KeyName = keyof typeof KEYS;
export const KEY_NAMES = Object.keys(KEYS) as KeyName[];
/** A cell's values, parsed. */
export type KeyValues = OptionValues<typeof KEYS>;
/** A cell's values as texts: what child processes are given, and what results keep. */
export type KeyTexts = Readonly<Record<KeyName, string>>;

export function isKey(name: string): name is KeyName {
  return Object.hasOwn(KEYS, name);
}
export function isSingle(name: KeyName): boolean {
  return "single" in KEYS[name];
}

/** A value with the name that tables show: the key of a labelled list, else the text itself. */
export interface Choice<Name extends KeyName = KeyName> {
  readonly label: string;
  readonly text: string;
  readonly value: OptionValue<(typeof KEYS)[Name]>;
}

const scalar = v.union(
  [v.string(), v.number()],
  (issue) => `Expected a text or a number, got \`${shown(issue.input)}\``,
);

/** One value, a list of values, or a table of labelled values; in the end a list of choices. */
function choices<Name extends KeyName>(name: Name) {
  return v.pipe(
    v.union(
      [scalar, v.array(scalar), v.record(v.string(), scalar)],
      (issue) =>
        expected(name, "a value, a list of values or a table of named values", shown(issue.input))
          .message,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }): Choice<Name>[] => {
      const found = listed(dataset.value);
      try {
        if (found.length === 0) throw expected(name, "a list of at least one value", "[]");
        if (isSingle(name) && found.length !== 1)
          throw expected(name, "a single value", shown(dataset.value));
        return found.map((one) => ({ ...one, value: parseOption(KEYS[name], one.text, name) }));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

function listed(
  value: string | number | (string | number)[] | Record<string, string | number>,
): { label: string; text: string }[] {
  if (Array.isArray(value)) return value.map((one) => ({ label: String(one), text: String(one) }));
  if (typeof value === "object") {
    return Object.entries(value).map(([label, text]) => ({ label, text: String(text) }));
  }
  return [{ label: String(value), text: String(value) }];
}

function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

type Entries = { [Name in KeyName]: v.OptionalSchema<ReturnType<typeof choices<Name>>, undefined> };

const thresholds = v.pipe(
  v.union(
    [v.array(v.string()), v.string()],
    (issue) =>
      expected("thresholds", "a list of texts such as lat.p99<2ms", shown(issue.input)).message,
  ),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return [dataset.value].flat().map(parseThreshold);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      addIssue({ message: error.message });
      return NEVER;
    }
  }),
);

/** A section of a job file: `[global]` or a job. `thresholds` is a list, and no matrix. */
export const Section = v.strictObject({
  ...(Object.fromEntries(KEY_NAMES.map((name) => [name, v.optional(choices(name))])) as Entries),
  thresholds: v.optional(thresholds),
});
export type Section = Readonly<v.InferOutput<typeof Section>>;
