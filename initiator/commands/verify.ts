// `aoe initiator verify eS.L FILE`: whether a device holds what an image holds, or what a checksum says.

import { Command } from "commander";

import { SECTOR } from "../../wire/ata.ts";
import { formatAddress, parseAddress } from "../../words/address.ts";
import { expected, failed, usage } from "../../words/failure.ts";
import { readDevice } from "../session/transfer.ts";
import { transferHashed } from "./hashed_transfer.ts";
import { type Input, openInput } from "./input.ts";
import {
  addSessionOptions,
  parseWait,
  type RawSessionOptions,
  withSession,
} from "../session/session_options.ts";
import { addRangeOptions, parseRange, placeRange, type RawRangeOptions } from "./range_options.ts";
import { summarize } from "./summary.ts";

interface Options extends RawSessionOptions, RawRangeOptions {
  readonly sha256?: string;
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .addHelpText(
      "after",
      `
Examples:
  aoe initiator verify e7.3 image.raw --interface eth1
  aoe initiator verify e7.3 image.raw --offset 1m --interface eth1`,
    )
    .description("compare a device with a file or a checksum")
    .argument("<device>", "its address, such as e7.3")
    .argument("[file]", "an image; the device may be longer")
    .option("--sha256 <hex>", "the checksum of the range, instead of a file");
  return addSessionOptions(addRangeOptions(command)).action(run);
}

async function run(name: string, file: string | undefined, texts: Options): Promise<void> {
  const address = parseAddress(name, "device");
  const request = parseRange(texts);
  const wait = parseWait(texts);
  const wanted = texts.sha256?.toLowerCase();
  if ((file === undefined) === (wanted === undefined)) {
    throw usage("Expected either a file or `--sha256` to compare with");
  }
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted)) {
    throw expected("--sha256", "64 hexadecimal digits", texts.sha256);
  }
  const input = file === undefined ? null : openInput(file);
  try {
    await withSession(texts, async (session) => {
      const device = await session.find(address, wait);
      const range = placeRange(request, device, input?.bytes);
      const difference = new Difference(input, range.blockBytes, range.offset);
      const json = texts.json ?? false;
      const done = await transferHashed(
        session,
        device,
        range,
        "Verifying",
        json,
        (options, hash) =>
          readDevice(options, (bytes, at) => {
            hash.update(bytes);
            difference.look(bytes, at);
          }),
      );
      const name = formatAddress(device);
      if (difference.sectors > 0) {
        throw failed(
          `${name} differs from ${file} in ${difference.sectors} sectors, the first at byte ${difference.first} of the device (sector ${Math.floor(difference.first / SECTOR)})`,
        );
      }
      if (wanted !== undefined && done.sha256 !== wanted) {
        throw failed(`${name} has the SHA-256 ${done.sha256}, not ${wanted}`);
      }
      summarize(session, device, { verb: "Verified", ...done }, json);
    });
  } finally {
    input?.close();
  }
}

/** Counts the sectors in which a device and a file differ. */
class Difference {
  sectors = 0;
  /** Byte of the device. */
  first = -1;
  private readonly input: Input | null;
  private readonly offset: number;
  private readonly memory: Buffer;

  constructor(input: Input | null, blockBytes: number, offset: number) {
    this.input = input;
    this.offset = offset;
    this.memory = Buffer.alloc(input === null ? 0 : blockBytes);
  }

  look(bytes: Uint8Array, at: number): void {
    if (this.input === null) return;
    const ours = this.memory.subarray(0, bytes.length);
    this.input.read(ours, at - this.offset);
    if (ours.equals(bytes)) return;
    for (let start = 0; start < bytes.length; start += SECTOR) {
      let byte = start;
      while (byte < start + SECTOR && ours[byte] === bytes[byte]) byte++;
      if (byte === start + SECTOR) continue;
      if (this.sectors++ === 0) this.first = at + byte;
    }
  }
}
