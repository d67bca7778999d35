// `aoe target`: the words of the command line, checked before anything is opened.

import { Command, Option } from "commander";

import type { DriveMode } from "../link/drive.ts";
import { MAJOR_MAX, MINOR_MAX } from "../words/address.ts";
import { expected } from "../words/failure.ts";
import { parseInteger } from "../words/quantity.ts";
import { type Mac, parseMac } from "../wire/mac.ts";
import { mostEntries } from "./mask_commands.ts";
import { DEFAULT_BUFFER_COUNT } from "./export.ts";
import { DEFAULT_BOUND } from "./target.ts";

const MODES: readonly DriveMode[] = ["low-latency", "throughput", "frugal"];

interface Options {
  readonly bufferCount?: string;
  readonly direct?: boolean;
  readonly sync?: boolean;
  readonly readOnly?: boolean;
  readonly mask?: string;
  readonly offset?: string;
  readonly length?: string;
  readonly service?: string;
  readonly delay?: string;
  readonly lanes?: string;
  readonly faults?: string;
  readonly capture?: string;
  readonly state?: string;
  readonly seed?: string;
  readonly mode?: DriveMode;
  readonly cpus?: string;
  readonly maxRequests?: string;
}

export function targetCommand(): Command {
  return new Command("target")
    .description("Serve an image file or a block device as shelf.slot on a network interface")
    .argument("<shelf>", `0 to ${MAJOR_MAX}`)
    .argument("<slot>", `0 to ${MINOR_MAX}`)
    .argument("<interface>", "where to serve it; several with commas between")
    .argument("<file>", "an image, a multiple of 512 bytes, or a block device")
    .option(
      "-b, --buffer-count <n>",
      `messages to hold for each initiator, 2 to 65535 (${DEFAULT_BUFFER_COUNT})`,
    )
    .option("-d, --direct", "O_DIRECT: past the page cache")
    .option("-s, --sync", "answer a write only when it is durable")
    .option("-r, --read-only", "refuse writes")
    .option("-m, --mask <mac,…>", "serve these MAC addresses only")
    .option("-o, --offset <sectors>", "leave out this many sectors at the start of the file (0)")
    .option("-l, --length <sectors>", "serve this many sectors (all that are left)")
    .option("--service <model>", "service model, such as lanes:4,delay:normal/50us/5us,drop:1%")
    .option("--lanes <n>", "short for lanes:N at the front of the service model")
    .option("--delay <d>", "short for delay:D behind the lanes")
    .option("--faults <plan>", "faults on the link, such as tx:drop:1%,rx:corrupt:0.1%")
    .option("--capture <file>", "write every frame to a pcap file")
    .option("--state <dir>", "keep config string, mask list and reservation here, over restarts")
    .option("--seed <n>", "of all that is random here (1)")
    .addOption(new Option("--mode <mode>", "how to wait for frames").choices(MODES))
    .option("--cpus <n,…>", "run on these CPUs only")
    .option("--max-requests <n>", `requests in hand over all initiators (${DEFAULT_BOUND})`)
    .action(run);
}

async function run(
  shelf: string,
  slot: string,
  interfaces: string,
  path: string,
  options: Options,
): Promise<void> {
  const major = parseInteger(shelf, "shelf", 0, MAJOR_MAX);
  const minor = parseInteger(slot, "slot", 0, MINOR_MAX);
  const parsed = {
    major,
    minor,
    interfaces: interfaces.split(",").filter((name) => name !== ""),
    path,
    // P12: Linux takes 0 and 1 to a device that is silently dead.
    bufferCount: integer(options.bufferCount, "--buffer-count", DEFAULT_BUFFER_COUNT, 2, 0xffff),
    direct: options.direct === true,
    sync: options.sync === true,
    readOnly: options.readOnly === true,
    masks: options.mask === undefined ? null : parseMasks(options.mask),
    offset: integer(options.offset, "--offset", 0, 0),
    length: options.length === undefined ? null : parseInteger(options.length, "--length", 1),
    service: serviceText(options),
    faults: options.faults ?? null,
    capture: options.capture ?? null,
    state: options.state ?? null,
    seed: integer(options.seed, "--seed", 1, 0),
    mode: options.mode ?? null,
    cpus: (options.cpus ?? "")
      .split(",")
      .filter((cpu) => cpu !== "")
      .map((cpu) => parseInteger(cpu, "--cpus", 0)),
    bound: integer(options.maxRequests, "--max-requests", DEFAULT_BOUND, 1, 1_000_000),
  };
  if (parsed.interfaces.length === 0) throw expected("interface", "a name", interfaces);
  const { serve } = await import("./serve.ts");
  await serve(parsed);
}

function integer(
  text: string | undefined,
  what: string,
  otherwise: number,
  least: number,
  most?: number,
): number {
  return text === undefined ? otherwise : parseInteger(text, what, least, most);
}

/** `--lanes` and `--delay` stand before what `--service` says. */
function serviceText(options: Options): string {
  const parts: string[] = [];
  if (options.lanes !== undefined) {
    parts.push(`lanes:${parseInteger(options.lanes, "--lanes", 1, 65_536)}`);
  }
  if (options.delay !== undefined) parts.push(`delay:${options.delay}`);
  if (options.service !== undefined && options.service !== "") parts.push(options.service);
  return parts.join(",");
}

function parseMasks(text: string): Mac[] {
  const masks = text.split(",").map((spelled) => {
    const mac = parseMac(spelled.trim());
    if (mac === null) throw expected("--mask", "MAC addresses with commas between", spelled);
    return mac;
  });
  const most = mostEntries(1500);
  if (masks.length > most) throw expected("--mask", `at most ${most} addresses`, masks.length);
  return [...new Set(masks)];
}
