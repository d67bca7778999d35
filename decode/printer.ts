// How decoded frames are printed, one by one.

import type { OptionValues } from "commander";
import { type Kind, Decoder, type DecodedFrame, isOfKind } from "./decoded_frame.ts";
import type { Packet } from "../wire/capture.ts";
import { printableJson } from "../words/printable.ts";
import { toJson, formatDecoded, formatFields } from "./decode_print.ts";
import { say } from "../words/say.ts";

/** Names the JSON's shape; a change that breaks readers changes it. */
const SCHEMA = "aoe-decode/1";

export interface Options extends OptionValues {
  readonly interface?: string;
  readonly verbose?: true;
  readonly json?: true;
  readonly ndjson?: true;
  readonly match?: readonly Kind[];
  readonly all?: true;
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
