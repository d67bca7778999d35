// What a target can be told: each row is an option of `aoe target`, a key of its configuration (with `_` for `-`), or
// both. The file, `export add` of the control socket, the command line and docs/target.md all take them from here.
//
// A key's value is the text that the option takes; a bare number is fine where the option takes one, a list where it
// takes a text with commas, and true or false where it is a flag.

import { DRIVE_MODES } from "../../link/drive.ts";
import { XDP_USES } from "../../link/xdp_use.ts";
import { SERIAL_LENGTH } from "../../wire/identify.ts";
import { parseAddress } from "../../words/address.ts";
import {
  choice,
  flag,
  integer,
  listOf,
  type OptionTable,
  type OptionValues,
  word as anyWord,
} from "../../words/option.ts";
import { DEFAULT_BUFFER_COUNT } from "../protocol/export.ts";
import { DEFAULT_BOUND } from "../protocol/target.ts";
import { BLOCKING, image, mac, MOST_MASKS, serial, word } from "./values.ts";

const text = (hint: string) => ({ hint, parse: word });

/** Of an export, that [defaults] may give for all. */
export const SHARED_KEYS = {
  buffer_count: {
    // P12: Linux takes 0 and 1 to a device that is silently dead.
    type: integer(2, 0xffff),
    short: "b",
    usual: `${DEFAULT_BUFFER_COUNT}`,
    help: "requests to accept from each initiator on each interface at a time, 2 to 65535",
  },
  direct: { type: flag, short: "d", help: "open with O_DIRECT: bypass the page cache" },
  sync: { type: flag, short: "s", help: "answer a write only when it is durable" },
  read_only: { type: flag, short: "r", help: "refuse writes" },
  mask: {
    type: listOf({ hint: "mac", parse: mac }, MOST_MASKS),
    short: "m",
    usual: "all",
    help: `the MAC addresses to serve, a list of at most ${MOST_MASKS}; it replaces a saved list`,
  },
  profile: {
    type: text("name"),
    help: "a service model by name (fast, ssd, disk, slow, stalling, flaky) or from a file; on the command line its stages come before those of --service; in a file `service` replaces it",
  },
  service: {
    type: { hint: "model", parse: (given: string) => given.trim() },
    help: "service model, such as lanes:4,delay:normal/50us/5us,drop:1%",
  },
} as const satisfies OptionTable;

/** Of one export alone, by a command line too. */
export const FILE_KEYS = {
  create: {
    type: { hint: "size", parse: image },
    help: "if the file does not exist, create it, sparse, with this size",
  },
  offset: {
    type: integer(0),
    unit: "sectors",
    short: "o",
    usual: "0",
    help: "sectors to skip at the start of the file",
  },
  length: {
    type: integer(1),
    unit: "sectors",
    short: "l",
    usual: "to the end",
    help: "sectors to serve",
  },
  serial: {
    type: { hint: "text", parse: serial },
    usual: "made from host and image",
    help: `serial number, at most ${SERIAL_LENGTH} characters; two targets with one serial number count as paths to one disk`,
  },
} as const satisfies OptionTable;

/** Of one export alone. */
export const EXPORT_KEYS = {
  address: {
    type: { hint: "address", parse: parseAddress },
    usual: "required",
    help: "`eSHELF.SLOT`",
  },
  file: { type: text("file"), help: "an image, a multiple of 512 bytes, or a block device" },
  device: { type: text("file"), help: "a block device; anything else is refused" },
  memory: {
    type: { hint: "size", parse: image },
    help: "a size: the sectors are in memory and are lost when the target ends",
  },
  ...FILE_KEYS,
} as const satisfies OptionTable;

/** Of the process, by a file and by a command line, which overrides the file. */
export const PROCESS_KEYS = {
  control: { type: text("path"), help: "path of the control socket, for `aoe target ctl`" },
  metrics: {
    type: text("address"),
    help: "serve metrics for Prometheus at HOST:PORT, or at 127.0.0.1 with :PORT",
  },
  state: {
    type: text("dir"),
    help: "directory that keeps config strings, mask lists and reservations across restarts",
  },
  user: {
    type: text("name"),
    usual: "no change",
    help: "user (name or number) to switch to when the sockets are open",
  },
  mode: {
    type: choice(DRIVE_MODES, "mode"),
    usual: "low-latency with two CPUs or more, else frugal",
    help: "how to wait for frames",
  },
  xdp: {
    type: choice(XDP_USES, "when"),
    usual: "auto",
    help: "send small answers by AF_XDP; auto: only where no queue discipline or capture is bypassed",
  },
  cpus: {
    type: listOf(integer(0), 1024),
    usual: "all",
    help: "run on these CPUs only",
  },
  max_requests: {
    type: integer(1, 1_000_000),
    usual: `${DEFAULT_BOUND}`,
    help: "most requests in progress over all exports and initiators",
  },
  seed: { type: integer(0), usual: "1", help: "seed of the random generator" },
  faults: {
    type: { ...anyWord, hint: "plan" },
    help: "faults of every interface, such as tx:drop:1%,rx:corrupt:0.1%",
  },
  blocking: {
    type: choice(BLOCKING, "kind"),
    usual: "io_uring where the kernel has it",
    help: "how blocking file operations run",
  },
  capture: { type: text("file"), help: "write every frame to a pcap file" },
  stats_at_end: {
    type: text("file"),
    help: "JSON file for the figures of the whole run (as `ctl stats`), written as the target ends",
  },
} as const satisfies OptionTable;

/** At the top of the file. */
export const TOP_KEYS = {
  interfaces: {
    type: listOf(text("name"), 64),
    usual: "required",
    help: "list of names; the target waits for one that does not exist yet",
  },
  ...PROCESS_KEYS,
} as const satisfies OptionTable;

export type SharedValues = Partial<OptionValues<typeof SHARED_KEYS>>;
export type ExportValues = SharedValues & Partial<OptionValues<typeof EXPORT_KEYS>>;
export type ProcessValues = Partial<OptionValues<typeof PROCESS_KEYS>>;
export type TopValues = Partial<OptionValues<typeof TOP_KEYS>>;
