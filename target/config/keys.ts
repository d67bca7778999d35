// The keys of a target's configuration: what each is called, what it may be, and what it means. The file,
// `export add` of the control socket, and docs/target.md (by a test) all take them from here.
//
// A key is the long option of the same name with `_` for `-`, and its value the text that the option
// takes; a bare number is fine where the option takes one.

import * as v from "valibot";

import { parseAddress } from "../../words/address.ts";
import { expected, Failure } from "../../words/failure.ts";
import { parseInteger } from "../../words/quantity.ts";
import type { DriveMode } from "../../link/drive.ts";
import { parseXdpUse, XDP_USES } from "../../link/xdp_use.ts";
import type { BlockingKind } from "../../sys/blocking_io.ts";
import { DEFAULT_BUFFER_COUNT } from "../protocol/export.ts";
import { profileNames } from "../service/profile.ts";
import { DEFAULT_BOUND } from "../protocol/target.ts";
import { SERIAL_LENGTH } from "../../wire/identify.ts";
import { BLOCKING, image, mac, MODES, MOST_MASKS, serial, shown, word } from "./values.ts";

/** A value that `parse` makes of a text or a number; it throws the usage Failure for a bad one. */
function made<T>(name: string, parse: (text: string, what: string) => T) {
  return v.pipe(
    v.union(
      [v.string(), v.number()],
      (issue) => expected(name, "a text or a number", shown(issue.input)).message,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }): T => {
      try {
        return parse(String(dataset.value), name);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

/** A list of such values, or one text with commas between them. */
function listed<T>(name: string, parse: (text: string, what: string) => T, most: number) {
  return v.pipe(
    v.union(
      [v.string(), v.number(), v.array(v.union([v.string(), v.number()]))],
      (issue) =>
        expected(name, "a list, or a text with commas between", shown(issue.input)).message,
    ),
    v.rawTransform(({ dataset, addIssue, NEVER }): T[] => {
      const { value } = dataset;
      const texts = Array.isArray(value) ? value.map(String) : String(value).split(",");
      const given = texts.map((text) => text.trim()).filter((text) => text !== "");
      try {
        if (given.length > most) throw expected(name, `at most ${most} values`, given.length);
        return [...new Set(given.map((text) => parse(text, name)))];
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

function flag(name: string) {
  return v.boolean((issue) => expected(name, "true or false", shown(issue.input)).message);
}

const integer = (name: string, least: number, most?: number) =>
  made(name, (text, what) => parseInteger(text, what, least, most));

function mode(text: string, what: string): DriveMode {
  const found = MODES.find((known) => known === text);
  if (found === undefined) throw expected(what, `one of ${MODES.join(", ")}`, text);
  return found;
}

function blocking(text: string, what: string): BlockingKind {
  const found = BLOCKING.find((known) => known === text);
  if (found === undefined) throw expected(what, `one of ${BLOCKING.join(", ")}`, text);
  return found;
}

interface Key {
  readonly schema: v.GenericSchema;
  /** For docs/target.md: the default and the meaning. */
  readonly value: string;
  readonly about: string;
}

/** Of an export, that [defaults] may give for all. */
export const SHARED_KEYS = {
  buffer_count: {
    // P12: Linux takes 0 and 1 to a device that is silently dead.
    schema: integer("buffer_count", 2, 0xffff),
    value: String(DEFAULT_BUFFER_COUNT),
    about: "requests to accept from each initiator on each interface at a time (2 to 65535)",
  },
  direct: {
    schema: flag("direct"),
    value: "false",
    about: "open with O_DIRECT: bypass the page cache",
  },
  sync: {
    schema: flag("sync"),
    value: "false",
    about: "answer a write only when it is durable",
  },
  read_only: { schema: flag("read_only"), value: "false", about: "refuse writes" },
  mask: {
    schema: listed("mask", mac, MOST_MASKS),
    value: "all",
    about: `the MAC addresses to serve, a list of at most ${MOST_MASKS}; it replaces a saved list`,
  },
  profile: {
    schema: made("profile", word),
    value: "none",
    about: `a service model by name (${profileNames().join(", ")}) or from a file, if \`service\` is not given`,
  },
  service: {
    schema: made("service", (text) => text.trim()),
    value: "none",
    about: "a service model, see below",
  },
} as const satisfies Record<string, Key>;

/** Of one export alone. */
export const EXPORT_KEYS = {
  address: {
    schema: made("address", parseAddress),
    value: "required",
    about: "`eSHELF.SLOT`",
  },
  file: {
    schema: made("file", word),
    value: "",
    about: "an image, a multiple of 512 bytes, or a block device",
  },
  device: {
    schema: made("device", word),
    value: "",
    about: "a block device; anything else is refused",
  },
  memory: {
    schema: made("memory", image),
    value: "",
    about: "a size: the sectors are in memory and are lost when the target ends",
  },
  create: {
    schema: made("create", image),
    value: "",
    about: "with `file`: if it does not exist, create it, sparse, with this size",
  },
  offset: {
    schema: integer("offset", 0),
    value: "0",
    about: "sectors to skip at the start of the file",
  },
  length: { schema: integer("length", 1), value: "to the end", about: "sectors to serve" },
  serial: {
    schema: made("serial", serial),
    value: "made from host and image",
    about: `serial number, at most ${SERIAL_LENGTH} characters; two targets with one serial number count as paths to one disk`,
  },
} as const satisfies Record<string, Key>;

/** At the top of the file: of the process. */
export const PROCESS_KEYS = {
  interfaces: {
    schema: listed("interfaces", word, 64),
    value: "required",
    about: "list of names; the target waits for one that does not exist yet",
  },
  control: { schema: made("control", word), value: "none", about: "path of the control socket" },
  metrics: {
    schema: made("metrics", word),
    value: "none",
    about: "`HOST:PORT` or `:PORT` (on 127.0.0.1) for Prometheus",
  },
  state: {
    schema: made("state", word),
    value: "none",
    about: "directory that keeps config strings, mask lists and reservations across restarts",
  },
  user: {
    schema: made("user", word),
    value: "no change",
    about: "user (name or number) to switch to when the sockets are open",
  },
  mode: {
    schema: made("mode", mode),
    value: "`low-latency` on a machine with two CPUs or more, else `frugal`",
    about: `how to wait for frames: ${MODES.join(", ")}`,
  },
  xdp: {
    schema: made("xdp", parseXdpUse),
    value: "`auto`: only where no queue discipline or capture is bypassed",
    about: `send small answers by AF_XDP: ${XDP_USES.join(", ")}`,
  },
  cpus: {
    schema: listed("cpus", (text, what) => parseInteger(text, what, 0), 1024),
    value: "all",
    about: "run on these CPUs only, a list",
  },
  max_requests: {
    schema: integer("max_requests", 1, 1_000_000),
    value: String(DEFAULT_BOUND),
    about: "most requests in progress over all exports and initiators",
  },
  seed: { schema: integer("seed", 0), value: "1", about: "seed of the random generator" },
  faults: {
    schema: made("faults", word),
    value: "none",
    about: "faults of every interface, such as `tx:drop:1%`",
  },
  blocking: {
    schema: made("blocking", blocking),
    value: "`io_uring` where the kernel has it, else `worker`",
    about: `how blocking file operations run: ${BLOCKING.join(", ")}`,
  },
  capture: { schema: made("capture", word), value: "none", about: "pcap file for every frame" },
  stats_at_end: {
    schema: made("stats_at_end", word),
    value: "none",
    about: "JSON file for the figures of the whole run, written as the target ends",
  },
} as const satisfies Record<string, Key>;

type Optional<Keys extends Record<string, Key>> = {
  [K in keyof Keys]: v.OptionalSchema<Keys[K]["schema"], undefined>;
};

function table<Keys extends Record<string, Key>>(keys: Keys) {
  const entries = Object.fromEntries(
    Object.entries(keys).map(([name, { schema }]) => [name, v.optional(schema)]),
  );
  return v.strictObject(entries as Optional<Keys>);
}

export const Defaults = table(SHARED_KEYS);
export const ExportTable = table({ ...EXPORT_KEYS, ...SHARED_KEYS });
export const Top = table(PROCESS_KEYS);
export type DefaultsValues = v.InferOutput<typeof Defaults>;
export type ExportValues = v.InferOutput<typeof ExportTable>;
