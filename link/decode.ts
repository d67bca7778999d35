// `aoe decode FILE`, `aoe decode --interface IF`: the frames of a capture, one line each; what is malformed is shown
// with the rule it breaks, and answers with the request they match and the round trip.
//
//   file, pipe ─▶ decode_input.ts ─▶ ByteWindow ─▶ read_capture.ts ─▶ packets ─┐
//   interface ─▶ tap.ts ──────────────────────────────────────────▶ packets ─┴▶ Decoder ─▶ decode_print.ts
//
// A capture is decoded as it comes, in bounded memory. A damaged one is decoded up to the damage, and then ends the
// command with 1; what it holds that this program doesn't know is stepped over, and counted at the end.

import { Command, type OptionValues } from "commander";
import { ByteWindow } from "../wire/byte_window.ts";
import { type Capture, MORE, type Packet } from "../wire/capture.ts";
import { formatMalformed, isMalformed } from "../wire/malformed.ts";
import { open } from "../wire/read_capture.ts";
import { expected, failed, usage } from "../words/failure.ts";
import { cantRead } from "../words/file_error.ts";
import { printableJson } from "../words/printable.ts";
import { say } from "../words/say.ts";
import { packerOf, piecesOf, unpacked } from "./decode_input.ts";
import { formatDecoded, formatFields, toJson } from "./decode_print.ts";
import { Decoder, type DecodedFrame, isOfKind, KINDS, type Kind } from "./decoded_frame.ts";

/** Names the JSON's shape; a change that breaks readers changes it. */
export const SCHEMA = "aoe-decode/1";

interface Options extends OptionValues {
  readonly interface?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly ndjson?: true;
  readonly match?: readonly Kind[];
  readonly all?: true;
}

export function decodeCommand(): Command {
  return new Command("decode")
    .description(
      "Print the frames of a capture (pcap or pcapng, gzip too) that tcpdump, Wireshark or --capture wrote, or those on an interface, until Ctrl-C.",
    )
    .argument("[file]", "the capture, or - for standard input")
    .option("--interface <name>", "the frames that come and go there, in place of a file")
    .option("-v, --verbose", "every field of each frame, with its offset")
    .option(
      "--match <kinds>",
      `only frames of these kinds, joined by commas: ${KINDS.join(" ")}`,
      parseKinds,
    )
    .option("--all", "frames of other EtherTypes too")
    .option("--json", "one JSON document on standard output")
    .option("--ndjson", "one JSON object a line, the last one the summary")
    .action(async (file: string | undefined, options: Options) => run(file, options));
}

async function run(file: string | undefined, options: Options): Promise<void> {
  if (options.json && options.ndjson)
    throw usage("Expected one of `--json` and `--ndjson`, got both");
  if (options.verbose && (options.json || options.ndjson)) {
    throw usage("Expected `--verbose` without JSON, which has every field already");
  }
  const { interface: name } = options;
  if (file !== undefined && name !== undefined) {
    throw usage(`Expected a capture file or \`--interface\`, got both`);
  }
  if (name !== undefined) {
    const { decodeInterface } = await import("./decode_live.ts");
    await decodeInterface(name, options.all === true, new Printer(options, "live"));
  } else if (file === undefined) {
    throw usage("Expected a capture file, - for standard input, or `--interface`, got none");
  } else {
    await decodeFile(file, options);
  }
}

async function decodeFile(file: string, options: Options): Promise<void> {
  const name = file === "-" ? "standard input" : file;
  const window = new ByteWindow();
  let capture: Capture | null = null;
  let printer: Printer | null = null;
  let damage: string | null = null;

  /** Prints what is here. */
  async function drain(): Promise<void> {
    if (capture === null) {
      const found = open(window);
      if (found === MORE) return;
      if (isMalformed(found)) throw noCapture(name, window, formatMalformed(found));
      capture = found;
      printer = new Printer(options, found.format);
    }
    for (;;) {
      const found = capture.next();
      if (found === MORE || found === null) break;
      if (isMalformed(found)) {
        damage = formatMalformed(found);
        break;
      }
      printer?.print(found);
      if (printer?.isFull() === true) await printer.flush();
    }
    await printer?.flush();
  }

  try {
    for await (const piece of unpacked(piecesOf(file))) {
      window.push(piece);
      await drain();
      if (damage !== null) break;
    }
  } catch (error) {
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code.startsWith("Z_")) damage = `gzip: ${message}`;
    else if (code === "") throw error;
    else throw cantRead(name, error);
  }
  window.ended = true;
  const broken = damage;
  damage = null;
  await drain();
  // What ends in mid-packet since its packing is broken is broken there.
  const why = broken ?? damage;
  const done = printer as Printer | null;
  await done?.end({ damage: why, unknownBlocks: (capture as Capture | null)?.unknownBlocks });
  if (why !== null) throw failed(`The capture ${name} is damaged: ${why}`);
}

function noCapture(name: string, { view, base }: ByteWindow, why: string): Error {
  const packer = packerOf(new Uint8Array(view.buffer, base, Math.min(4, view.byteLength - base)));
  if (packer === null) return usage(`Expected ${name} to be a capture: ${why}`);
  return usage(`Expected ${name} to be a capture, got one packed by ${packer}: unpack it first`);
}

function parseKinds(text: string): readonly Kind[] {
  return text.split(",").map((word) => {
    const kind = KINDS.find((kind) => kind === word.trim());
    if (kind === undefined) throw expected("--match", `one or more of ${KINDS.join(", ")}`, word);
    return kind;
  });
}

/** How a capture ended, beyond its frames. */
export interface Ending {
  readonly damage: string | null;
  readonly unknownBlocks?: ReadonlyMap<number, number> | undefined;
  /** Frames that the kernel had no room for. */
  readonly lost?: number;
}

const PIECE = 65_536;

/** Decodes packets and prints those asked for; text is gathered into pieces that are worth a system call. */
export class Printer {
  private readonly decoder = new Decoder();
  private readonly options: Options;
  private readonly format: string;
  private separator = "";
  private text = "";

  constructor(options: Options, format: string) {
    this.options = options;
    this.format = format;
    if (options.json) this.text += `{"schema":"${SCHEMA}","format":"${format}","frames":[`;
  }

  print(packet: Packet): void {
    const found = this.decoder.see(packet);
    const { options } = this;
    if (found === null || !isWanted(found, options)) return;
    if (options.json) this.text += `${this.separator}\n${printableJson(toJson(found))}`;
    else if (options.ndjson) this.text += `${printableJson(toJson(found))}\n`;
    else this.text += `${formatDecoded(found)}\n`;
    if (options.verbose) for (const line of formatFields(found)) this.text += `${line}\n`;
    this.separator = ",";
  }

  isFull(): boolean {
    return this.text.length >= PIECE;
  }

  /** Not before the reader has taken it: what is printed is not gathered in memory. */
  async flush(): Promise<void> {
    const { text } = this;
    this.text = "";
    if (text === "") return;
    const { promise, resolve } = Promise.withResolvers<void>();
    process.stdout.write(text, () => resolve());
    await promise;
  }

  /** The summary, and what was stepped over. */
  async end({ damage, unknownBlocks = new Map(), lost = 0 }: Ending): Promise<void> {
    const { decoder, options, format } = this;
    const steppedOver = [
      ...Array.from(decoder.unknownLinks, ([type, count]) => ({
        count,
        what: `packet${count === 1 ? "" : "s"} of link type ${type}${LINKS[type] ?? ""}`,
      })),
      ...Array.from(unknownBlocks, ([type, count]) => ({
        count,
        what: `block${count === 1 ? "" : "s"} of type 0x${type.toString(16).padStart(8, "0")}`,
      })),
    ];
    const summary = {
      ...decoder.summary,
      requests: decoder.exchanges.requests(),
      unanswered: decoder.exchanges.unanswered(),
      stepped_over: steppedOver,
      lost,
      damage,
    };
    if (options.json) this.text += `\n],"summary":${printableJson(summary)}}\n`;
    if (options.ndjson) this.text += `${printableJson({ schema: SCHEMA, format, summary })}\n`;
    await this.flush();
    if (options.json || options.ndjson) return;
    say(summarize(decoder));
    if (lost > 0) say(`The kernel had no room for ${counted(lost, "frame")} more`);
    if (steppedOver.length > 0) {
      const list = steppedOver.map(({ count, what }) => `${count} ${what}`).join(", ");
      say(`Stepped over what this program does not know: ${list}`);
    }
  }
}

/** Of those that captures are likely to hold. */
const LINKS: Readonly<Record<number, string>> = {
  0: " (loopback of BSD)",
  101: " (IP without a link header)",
  105: " (IEEE 802.11)",
  127: " (IEEE 802.11 with radiotap)",
};

function isWanted(decoded: DecodedFrame, { match, all }: Options): boolean {
  if (match !== undefined) return match.some((kind) => isOfKind(decoded, kind));
  return all === true || decoded.content.is !== "other";
}

function summarize({ summary, exchanges }: Decoder): string {
  const requests = exchanges.requests();
  const parts = [
    counted(summary.frames, "frame"),
    `${counted(requests, "request")}, ${exchanges.unanswered()} of them unanswered`,
  ];
  if (summary.retransmits > 0) parts.push(counted(summary.retransmits, "retransmit"));
  if (summary.announcements > 0) parts.push(counted(summary.announcements, "announcement"));
  if (summary.unasked > 0) parts.push(`${counted(summary.unasked, "answer")} to no request seen`);
  if (summary.malformed > 0) parts.push(`${summary.malformed} malformed`);
  if (summary.cut > 0) parts.push(`${summary.cut} cut by the capture within their headers`);
  if (summary.other > 0) parts.push(`${summary.other} of other EtherTypes (--all shows them)`);
  return parts.join(", ");
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
