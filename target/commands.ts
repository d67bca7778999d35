// `aoe target`: the words of the command line, checked before anything is opened. Two ways to say what to
// serve: the line of vblade (shelf, slot, interface, file) with its option letters, or --config FILE.

import { Command } from "commander";

import { MAJOR_MAX, MINOR_MAX } from "../words/address.ts";
import { addOptions } from "../words/command_options.ts";
import { expected, usage } from "../words/failure.ts";
import {
  camelCase,
  dashed,
  flag,
  integer,
  type OptionTable,
  type OptionValues,
  parseOptions,
  path,
  type RawOptions,
  word,
} from "../words/option.ts";
import { parseDuration, parseInteger } from "../words/quantity.ts";
import { FILE_KEYS, PROCESS_KEYS, SHARED_KEYS, TOP_KEYS } from "./config/keys.ts";
import { exportPlan, type ProcessPlan, processPlan, type TargetPlan } from "./config/plan.ts";

/** Options that belong to one export: with a configuration they stand there. */
const OF_AN_EXPORT = {
  ...SHARED_KEYS,
  ...FILE_KEYS,
  lanes: {
    type: integer(1, 65_536),
    help: "short for lanes:N, the first stage of the service model",
  },
  delay: {
    type: word,
    unit: "d",
    help: "short for delay:D, the stage after the lanes",
  },
} as const satisfies OptionTable;

const OPTIONS = {
  config: { type: path, help: "serve what this TOML file describes, instead of the arguments" },
  check: { type: flag, help: "check the configuration and exit" },
  ...OF_AN_EXPORT,
  ...PROCESS_KEYS,
  reset_state: {
    type: flag,
    help: "move damaged state files aside and start their exports without the saved state",
  },
} as const satisfies OptionTable;

type Options = OptionValues<typeof OPTIONS>;

export function targetCommand(): Command {
  const target = new Command("target")
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
    .argument("[file]", "an image, a multiple of 512 bytes, or a block device");
  return addOptions(target, OPTIONS).action(run).addCommand(ctlCommand()).addCommand(topCommand());
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
  given: RawOptions<typeof OPTIONS>,
): Promise<void> {
  const options = parseOptions(OPTIONS, given);
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
    const words = { shelf, slot, interface: interfaces, file: path };
    const missing = Object.entries(words).find(([, word]) => word === undefined);
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
    throw usage(`Expected \`--config\` without arguments, got \`${shelf}\` too`);
  }
  for (const name of Object.keys(OF_AN_EXPORT)) {
    if (options[camelCase(name) as keyof Options] === undefined) continue;
    throw usage(
      `\`${dashed(name)}\` belongs to one export: give \`${name === "delay" || name === "lanes" ? "service" : name}\` in the file of \`--config\``,
    );
  }
  const { readConfig } = await import("./config/read.ts");
  const reread = (): TargetPlan => {
    const read = readConfig(config);
    return { ...read, ...ofProcess(options, read) };
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

function ofProcess(options: Options, otherwise?: ProcessPlan): ProcessPlan {
  return { ...processPlan(options, otherwise), resetState: options.resetState === true };
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
  if (mask?.length === 0) throw expected("--mask", "at least one address", "");
  const only = exportPlan(options, {
    address: { major, minor },
    store: { kind: "file", path, device: false, create: create ?? null },
    service: await serviceText(options),
  });
  const names = TOP_KEYS.interfaces.type.parse(interfaces, "interface");
  if (names.length === 0) throw expected("interface", "a name", interfaces);
  return { exports: [only], interfaces: names, ...ofProcess(options) };
}

/** `--lanes`, `--delay` and the profile stand before what `--service` says. */
async function serviceText(options: Options): Promise<string> {
  const parts: string[] = [];
  if (options.lanes !== undefined) {
    parts.push(`lanes:${options.lanes}`);
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
