// `aoe target`: the words of the command line, checked before anything is opened. Two ways to say what to
// serve: the line of vblade (shelf, slot, interface, file) with its option letters, or --config FILE.

import { Command, Option } from "commander";

import type { DriveMode } from "../link/drive.ts";
import { parseXdpUse } from "../link/xdp_use.ts";
import type { BlockingKind } from "../sys/blocking_io.ts";
import { MAJOR_MAX, MINOR_MAX } from "../words/address.ts";
import { expected, usage } from "../words/failure.ts";
import { parseDuration, parseInteger } from "../words/quantity.ts";
import { image, mac, MODES, BLOCKING, MOST_MASKS, serial } from "./config/values.ts";
import type { ExportPlan, TargetPlan } from "./config/plan.ts";
import { DEFAULT_BUFFER_COUNT } from "./protocol/export.ts";
import { DEFAULT_BOUND } from "./protocol/target.ts";

interface Options {
  // Of the one export that the arguments name.
  readonly bufferCount?: string;
  readonly direct?: boolean;
  readonly sync?: boolean;
  readonly readOnly?: boolean;
  readonly mask?: string;
  readonly offset?: string;
  readonly length?: string;
  readonly create?: string;
  readonly serial?: string;
  readonly service?: string;
  readonly delay?: string;
  readonly lanes?: string;
  readonly profile?: string;
  // Of the process; over what a configuration says.
  readonly faults?: string;
  readonly capture?: string;
  readonly statsAtEnd?: string;
  readonly state?: string;
  readonly resetState?: boolean;
  readonly seed?: string;
  readonly mode?: DriveMode;
  readonly xdp?: string;
  readonly cpus?: string;
  readonly maxRequests?: string;
  readonly blocking?: BlockingKind;
  readonly control?: string;
  readonly metrics?: string;
  readonly user?: string;
  // Instead of arguments.
  readonly config?: string;
  readonly check?: boolean;
}

/** Options that belong to one export: with a configuration they stand there. */
const OF_AN_EXPORT = {
  bufferCount: "--buffer-count",
  direct: "--direct",
  sync: "--sync",
  readOnly: "--read-only",
  mask: "--mask",
  offset: "--offset",
  length: "--length",
  create: "--create",
  serial: "--serial",
  service: "--service",
  delay: "--delay",
  lanes: "--lanes",
  profile: "--profile",
} as const satisfies Partial<Record<keyof Options, string>>;

export function targetCommand(): Command {
  return new Command("target")
    .addHelpText(
      "after",
      `
Examples:
  aoe target 7 3 eth1 disk.img
  aoe target 7 3 eth1 disk.img --create 10g -s
  aoe target 7 3 eth1 disk.img --service 'lanes:4,delay:normal/5ms/1ms,drop:0.1%'
  aoe target --config lab.toml --check`,
    )
    .description(
      "Serve image files and block devices on network interfaces: one as shelf.slot, or what a configuration names",
    )
    .argument("[shelf]", `0 to ${MAJOR_MAX}`)
    .argument("[slot]", `0 to ${MINOR_MAX}`)
    .argument("[interface]", "where to serve it; several with commas between")
    .argument("[file]", "an image, a multiple of 512 bytes, or a block device")
    .option("--config <file>", "serve what this TOML file describes, instead of the arguments")
    .option("--check", "check the configuration and exit")
    .option(
      "-b, --buffer-count <n>",
      `requests to accept from each initiator at a time, 2 to 65535 (default ${DEFAULT_BUFFER_COUNT})`,
    )
    .option("-d, --direct", "open with O_DIRECT: bypass the page cache")
    .option("-s, --sync", "answer a write only when it is durable")
    .option("-r, --read-only", "refuse writes")
    .option("-m, --mask <mac,…>", "serve these MAC addresses only")
    .option("-o, --offset <sectors>", "skip this many sectors at the start of the file (default 0)")
    .option("-l, --length <sectors>", "serve this many sectors (default: to the end of the file)")
    .option("--create <size>", "if the file does not exist, create it, sparse, with this size")
    .option(
      "--serial <text>",
      "serial number; two targets with one serial number count as paths to one disk (default: made from host and image)",
    )
    .option("--service <model>", "service model, such as lanes:4,delay:normal/50us/5us,drop:1%")
    .option("--lanes <n>", "short for lanes:N, the first stage of the service model")
    .option("--delay <d>", "short for delay:D, the stage after the lanes")
    .option(
      "--profile <name>",
      "a service model by name (fast, ssd, disk, slow, stalling, flaky) or from a file; its stages come before those of --service",
    )
    .option("--faults <plan>", "faults of the link, such as tx:drop:1%,rx:corrupt:0.1%")
    .option("--capture <file>", "write every frame to a pcap file")
    .option("--stats-at-end <file>", "write the figures of `ctl stats` to a JSON file at the end")
    .option(
      "--state <dir>",
      "directory that keeps config string, mask list and reservation across restarts",
    )
    .option(
      "--reset-state",
      "move damaged state files aside and start their exports without the saved state",
    )
    .option("--seed <n>", "seed of the random generator (default 1)")
    .addOption(new Option("--mode <mode>", "how to wait for frames").choices(MODES))
    .option(
      "--xdp <when>",
      "send small frames by AF_XDP: auto, on or off (default auto: only where no queue discipline or capture is bypassed)",
    )
    .option("--cpus <n,…>", "run on these CPUs only")
    .option(
      "--max-requests <n>",
      `most requests in progress over all initiators (default ${DEFAULT_BOUND})`,
    )
    .addOption(
      new Option(
        "--blocking <kind>",
        "how blocking file operations run (default: io_uring where the kernel has it)",
      ).choices(BLOCKING),
    )
    .option("--control <path>", "listen here for `aoe target ctl`")
    .option(
      "--metrics <address>",
      "serve metrics for Prometheus at HOST:PORT, or at 127.0.0.1 with :PORT",
    )
    .option("--user <name>", "switch to this user (name or number) when the sockets are open")
    .action(run)
    .addCommand(ctlCommand())
    .addCommand(topCommand());
}

const SOCKET =
  "the target's control socket (default: /run/aoe/control or /run/aoe-NAME/control if one target listens there)";

function ctlCommand(): Command {
  return new Command("ctl")
    .addHelpText(
      "after",
      `
Examples:
  aoe target ctl stats
  aoe target ctl service e7.3 delay:1ms
  aoe target ctl export add address=e7.5 memory=64m
  aoe target ctl --socket /run/aoe-lab/control reload`,
    )
    .summary("control a running target")
    .description(
      "Control a running target: stats, service, release, export add, export remove, reload, quit",
    )
    .argument(
      "<verb...>",
      "such as: stats; service e7.3 delay:1ms; export add address=e7.5 memory=64m",
    )
    .option("--socket <path>", SOCKET)
    .action(async (words: string[], { socket }: { socket?: string }) => {
      const { ctl } = await import("./control/ctl.ts");
      await ctl(socket, words);
    });
}

function topCommand(): Command {
  return new Command("top")
    .addHelpText(
      "after",
      `
Examples:
  aoe target top
  aoe target top --interval 200ms --count 10`,
    )
    .summary("watch a running target")
    .description("Watch a running target: a view on a terminal (q ends it), plain lines elsewhere")
    .option("--socket <path>", SOCKET)
    .option("--interval <d>", "time between two samples", "1s")
    .option("--count <n>", "number of samples (default: until interrupted)")
    .action(async (options: { socket?: string; interval: string; count?: string }) => {
      const interval = parseDuration(options.interval, "--interval");
      if (interval < 10e6) throw expected("--interval", "10ms or more", options.interval);
      const count =
        options.count === undefined ? Infinity : parseInteger(options.count, "--count", 1);
      const { top } = await import("./control/top.ts");
      const { now } = await import("../sys/clock.ts");
      await top({ socket: options.socket, interval, count, now });
    });
}

async function run(
  shelf: string | undefined,
  slot: string | undefined,
  interfaces: string | undefined,
  path: string | undefined,
  options: Options,
): Promise<void> {
  const { config } = options;
  if (config === undefined) {
    if (options.check === true)
      throw usage("Expected `--check` only with `--config`, got it without");
    const [, major, minor] = /^e?(\d+)\.(\d+)$/.exec(shelf ?? "") ?? [];
    if (major !== undefined) {
      const rest = [slot, interfaces, path].filter((word) => word !== undefined);
      throw usage(
        `Expected shelf and slot to be two words, \`aoe target ${[major, minor, ...rest].join(" ")}\`, got \`${shelf}\``,
      );
    }
    const given = { shelf, slot, interface: interfaces, file: path };
    const missing = Object.entries(given).find(([, word]) => word === undefined);
    if (missing !== undefined) {
      throw usage(
        `Expected \`aoe target\` to be followed by shelf, slot, interface and file, or --config FILE; got no ${missing[0]}`,
      );
    }
    const plan = await planOf(shelf ?? "", slot ?? "", interfaces ?? "", path ?? "", options);
    const { serve } = await import("./serve.ts");
    await serve({ plan, what: "--service", reread: null, patient: false });
    return;
  }
  if (shelf !== undefined) {
    throw usage(`Expected \`--config\` to take the place of arguments, got \`${shelf}\` beside it`);
  }
  for (const [key, name] of Object.entries(OF_AN_EXPORT)) {
    if (options[key as keyof Options] === undefined) continue;
    const written = name.slice(2).replaceAll("-", "_");
    throw usage(
      `\`${name}\` belongs to one export: with \`--config\` ${written === "delay" || written === "lanes" ? "`service`" : `\`${written}\``} stands there`,
    );
  }
  const { readConfig } = await import("./config/read.ts");
  const reread = (): TargetPlan => {
    const read = readConfig(config);
    return { ...read, ...processPlan(options, read) };
  };
  const plan = reread();
  if (options.check === true) {
    process.stdout.write(
      `${config}: ${plan.exports.length} exports on ${plan.interfaces.join(", ")}\n`,
    );
    return;
  }
  const { serve } = await import("./serve.ts");
  await serve({ plan, what: "service", reread, patient: true });
}

type ProcessPlan = Omit<TargetPlan, "exports" | "interfaces">;

const NOTHING: ProcessPlan = {
  control: null,
  metrics: null,
  state: null,
  resetState: false,
  user: null,
  mode: null,
  xdp: "auto",
  cpus: [],
  bound: DEFAULT_BOUND,
  seed: 1,
  faults: null,
  capture: null,
  statsAtEnd: null,
  blocking: null,
};

/** What the options say of the process, else what `defaults` says. */
function processPlan(options: Options, defaults: ProcessPlan): ProcessPlan {
  const { cpus } = options;
  return {
    control: options.control ?? defaults.control,
    metrics: options.metrics ?? defaults.metrics,
    state: options.state ?? defaults.state,
    resetState: options.resetState === true,
    user: options.user ?? defaults.user,
    mode: options.mode ?? defaults.mode,
    xdp: options.xdp === undefined ? defaults.xdp : parseXdpUse(options.xdp, "--xdp"),
    cpus:
      cpus === undefined ? defaults.cpus : words(cpus).map((cpu) => parseInteger(cpu, "--cpus", 0)),
    bound: integer(options.maxRequests, "--max-requests", defaults.bound, 1, 1_000_000),
    seed: integer(options.seed, "--seed", defaults.seed, 0),
    faults: options.faults ?? defaults.faults,
    capture: options.capture ?? defaults.capture,
    statsAtEnd: options.statsAtEnd ?? defaults.statsAtEnd,
    blocking: options.blocking ?? defaults.blocking,
  };
}

async function planOf(
  shelf: string,
  slot: string,
  interfaces: string,
  path: string,
  options: Options,
): Promise<TargetPlan> {
  const major = parseInteger(shelf, "shelf", 0, MAJOR_MAX);
  const minor = parseInteger(slot, "slot", 0, MINOR_MAX);
  const { mask, create } = options;
  const only: ExportPlan = {
    address: { major, minor },
    store: {
      kind: "file",
      path,
      device: false,
      create: create === undefined ? null : image(create, "--create"),
    },
    // P12: Linux takes 0 and 1 to a device that is silently dead.
    bufferCount: integer(options.bufferCount, "--buffer-count", DEFAULT_BUFFER_COUNT, 2, 0xffff),
    direct: options.direct === true,
    sync: options.sync === true,
    readOnly: options.readOnly === true,
    masks: mask === undefined ? null : parseMasks(mask),
    offset: integer(options.offset, "--offset", 0, 0),
    length: options.length === undefined ? null : parseInteger(options.length, "--length", 1),
    serial: options.serial === undefined ? null : serial(options.serial, "--serial"),
    service: await serviceText(options),
  };
  const names = [...new Set(words(interfaces))];
  if (names.length === 0) throw expected("interface", "a name", interfaces);
  return { exports: [only], interfaces: names, ...processPlan(options, NOTHING) };
}

function words(list: string): string[] {
  return list
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
}

function integer(
  text: string | undefined,
  what: string,
  fallback: number,
  least: number,
  most?: number,
): number {
  return text === undefined ? fallback : parseInteger(text, what, least, most);
}

/** `--lanes`, `--delay` and the profile stand before what `--service` says. */
async function serviceText(options: Options): Promise<string> {
  const parts: string[] = [];
  if (options.lanes !== undefined) {
    parts.push(`lanes:${parseInteger(options.lanes, "--lanes", 1, 65_536)}`);
  }
  if (options.delay !== undefined) {
    // Judged by its own name; as a stage it would be one of `--service`.
    const { parseDistribution } = await import("../words/distribution.ts");
    const { loadTrace } = await import("./service/load_trace.ts");
    parts.push(`delay:${parseDistribution(options.delay, "--delay", loadTrace).text}`);
  }
  if (options.profile !== undefined) {
    const { loadProfile } = await import("./service/profile.ts");
    parts.push(loadProfile(options.profile, "--profile").service);
  }
  if (options.service !== undefined && options.service !== "") parts.push(options.service);
  return parts.join(",");
}

function parseMasks(text: string): number[] {
  const masks = text.split(",").map((spelled) => mac(spelled.trim(), "--mask"));
  if (masks.length > MOST_MASKS) {
    throw expected("--mask", `at most ${MOST_MASKS} addresses`, masks.length);
  }
  return [...new Set(masks)];
}
