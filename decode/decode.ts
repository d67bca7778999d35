// `aoe decode FILE`, `aoe decode --interface IF`: the frames of a capture, one line each; what is malformed is shown
// with the rule it breaks, and answers with the request they match and the round trip.
//
//   file, pipe ─▶ decode_input.ts ─▶ ByteWindow ─▶ read_capture.ts ─▶ packets ─┐
//   interface ─▶ tap.ts ──────────────────────────────────────────▶ packets ─┴▶ Decoder ─▶ decode_print.ts
//
// A capture is decoded as it comes, in bounded memory. A damaged one is decoded up to the damage, and then ends the
// command with 1; what it holds that this program doesn't know is stepped over, and counted at the end.

import { Command } from "commander";
import { ByteWindow } from "../wire/byte_window.ts";
import { type Capture, MORE } from "../wire/capture.ts";
import { formatMalformed, isMalformed } from "../wire/malformed.ts";
import { open } from "../wire/read_capture.ts";
import { expected, failed, usage } from "../words/failure.ts";
import { cantRead } from "../words/file_error.ts";
import { packerOf, piecesOf, unpacked } from "../link/decode_input.ts";
import { KINDS, type Kind } from "./decoded_frame.ts";
import { type Options, Printer } from "./printer.ts";

export function decodeCommand(): Command {
  return new Command("decode")
    .addHelpText(
      "after",
      `
Examples:
  aoe decode capture.pcap
  tcpdump -i eth1 -w - ether proto 0x88a2 | aoe decode -
  aoe decode --interface eth1 -v --match read`,
    )
    .description(
      "Print the frames of a capture (pcap or pcapng, gzip too) that tcpdump, Wireshark or --capture wrote, or those on an interface, until Ctrl-C.",
    )
    .argument("[file]", "the capture, or - for standard input")
    .option("--interface <name>", "frames sent and received there, instead of a file")
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
