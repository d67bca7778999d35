// `aoe decode FILE`: the frames of a capture, one line each; what is malformed is shown with the rule
// it breaks, and answers with the request they match and the round trip.
//
// A damaged capture is decoded up to the damage, and then ends the command with 1.

import { Command, type OptionValues } from "commander";
import { read } from "../wire/capture.ts";
import { formatMalformed, isMalformed } from "../wire/malformed.ts";
import { expected, failed, usage } from "../words/failure.ts";
import { cantRead } from "../words/file_error.ts";
import { formatDecoded, formatFields, toJson } from "./decode_print.ts";
import {
  type DecodedFrame,
  type Decoding,
  decode,
  isOfKind,
  KINDS,
  type Kind,
} from "./decoded_frame.ts";
import { printableJson } from "../words/printable.ts";

/** Names the JSON's shape; a change that breaks readers changes it. */
export const SCHEMA = "aoe-decode/1";

interface Options extends OptionValues {
  readonly verbose?: true;
  readonly json?: true;
  readonly ndjson?: true;
  readonly match?: readonly Kind[];
  readonly all?: true;
}

export function decodeCommand(): Command {
  return new Command("decode")
    .description(
      "Print the frames of a capture (pcap or pcapng) that tcpdump, Wireshark or --capture wrote.",
    )
    .argument("<file>", "the capture, or - for standard input")
    .option("-v, --verbose", "every field of each frame, with its offset")
    .option(
      "--match <kinds>",
      `only frames of these kinds, joined by commas: ${KINDS.join(" ")}`,
      parseKinds,
    )
    .option("--all", "frames of other EtherTypes too")
    .option("--json", "one JSON document on standard output")
    .option("--ndjson", "one JSON object a line, the last one the summary")
    .action(async (file: string, options: Options) => run(file, options));
}

async function run(file: string, options: Options): Promise<void> {
  if (options.json && options.ndjson)
    throw usage("Expected one of `--json` and `--ndjson`, got both");
  if (options.verbose && (options.json || options.ndjson)) {
    throw usage("Expected `--verbose` without JSON, which has every field already");
  }
  const bytes = await load(file);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const capture = read(view);
  const name = file === "-" ? "standard input" : `\`${file}\``;
  if (isMalformed(capture)) {
    throw usage(`Expected ${name} to be an Ethernet capture: ${formatMalformed(capture)}`);
  }
  const decoding = decode(view, capture);
  const output = createOutput();
  const damage = await print(decoding, options, capture.format, output);
  await output.flush();
  if (!options.json && !options.ndjson) process.stderr.write(`${summarize(decoding)}\n`);
  if (damage !== null) throw failed(`The capture ${name} is damaged: ${damage}`);
}

/** Prints all frames asked for, and gives the damage that ended the capture early. */
async function print(
  decoding: Decoding,
  options: Options,
  format: string,
  output: Output,
): Promise<string | null> {
  let damage: string | null = null;
  let separator = "";
  if (options.json) output.write(`{"schema":"${SCHEMA}","format":"${format}","frames":[`);
  for (let found = decoding.next(); found !== null; found = decoding.next()) {
    if (isMalformed(found)) {
      damage = formatMalformed(found);
      break;
    }
    if (!isWanted(found, options)) continue;
    if (options.json) output.write(`${separator}\n${printableJson(toJson(found))}`);
    else if (options.ndjson) output.write(`${printableJson(toJson(found))}\n`);
    else output.write(`${formatDecoded(found)}\n`);
    if (options.verbose) for (const line of formatFields(found)) output.write(`${line}\n`);
    separator = ",";
    if (output.isFull()) await output.flush();
  }
  const { summary, exchanges } = decoding;
  const totals = {
    ...summary,
    requests: exchanges.requests(),
    unanswered: exchanges.unanswered(),
    damage,
  };
  if (options.json) output.write(`\n],"summary":${printableJson(totals)}}\n`);
  if (options.ndjson)
    output.write(`${printableJson({ schema: SCHEMA, format, summary: totals })}\n`);
  return damage;
}

function isWanted(decoded: DecodedFrame, { match, all }: Options): boolean {
  if (match !== undefined) return match.some((kind) => isOfKind(decoded, kind));
  return all === true || decoded.content.is !== "other";
}

function parseKinds(text: string): readonly Kind[] {
  return text.split(",").map((word) => {
    const kind = KINDS.find((kind) => kind === word.trim());
    if (kind === undefined) throw expected("--match", `one or more of ${KINDS.join(", ")}`, word);
    return kind;
  });
}

function summarize({ summary, exchanges }: Decoding): string {
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

async function load(file: string): Promise<Uint8Array> {
  try {
    return await (file === "-" ? Bun.stdin : Bun.file(file)).bytes();
  } catch (error) {
    throw cantRead(file, error);
  }
}

/** Text gathered into pieces that are worth a system call, and never more of them than the reader takes. */
interface Output {
  write(text: string): void;
  isFull(): boolean;
  flush(): Promise<void>;
}

const PIECE = 65_536;

function createOutput(): Output {
  let text = "";
  return {
    write(more) {
      text += more;
    },
    isFull: () => text.length >= PIECE,
    async flush() {
      const piece = text;
      text = "";
      if (piece === "") return;
      const { promise, resolve } = Promise.withResolvers<void>();
      process.stdout.write(piece, () => resolve());
      await promise;
    },
  };
}
