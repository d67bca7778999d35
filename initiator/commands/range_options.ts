// Which range of a device a command is about, and in what pieces: --offset, --size, --bs, --iodepth.

import type { Command } from "commander";

import { SECTOR } from "../../wire/ata.ts";
import { formatAddress } from "../../words/address.ts";
import { expected, failed, usage } from "../../words/failure.ts";
import { parseInteger, parseSize } from "../../words/quantity.ts";
import type { Device } from "../protocol/device.ts";
import type { DeviceRange } from "../session/transfer.ts";

export interface RawRangeOptions {
  readonly offset?: string;
  readonly size?: string;
  readonly bs?: string;
  readonly iodepth?: string;
}

const DEFAULT_DEPTH = "16";
const DEFAULT_BLOCK = "64k";
/** Memory of all blocks together. */
const MOST_BYTES = 1 << 30;

export function addRangeOptions(command: Command): Command {
  return command
    .option("--offset <bytes>", "start on the device (default 0)")
    .option("--size <bytes>", "number of bytes (default: to the end)")
    .option("--bs <bytes>", `bytes of a request (default ${DEFAULT_BLOCK})`)
    .option("--iodepth <n>", `outstanding requests (default ${DEFAULT_DEPTH})`);
}

/** What needs no device to be checked. */
export interface RangeRequest {
  readonly offset: number;
  /** null: all that there is. */
  readonly size: number | null;
  readonly blockBytes: number;
  readonly iodepth: number;
}

export function parseRange(texts: RawRangeOptions): RangeRequest {
  const blockBytes = sectors(texts.bs ?? DEFAULT_BLOCK, "--bs");
  if (blockBytes === 0) throw expected("--bs", "above 0", texts.bs);
  const iodepth = parseInteger(texts.iodepth ?? DEFAULT_DEPTH, "--iodepth", 1, 65_536);
  if (iodepth * blockBytes > MOST_BYTES) {
    throw usage(
      `Expected \`--iodepth\` × \`--bs\` to be at most 1g, got ${iodepth} × ${blockBytes} bytes`,
    );
  }
  const offset = texts.offset === undefined ? 0 : sectors(texts.offset, "--offset");
  const size = texts.size === undefined ? null : sectors(texts.size, "--size");
  if (size === 0) throw expected("--size", "above 0", texts.size);
  return { offset, size, blockBytes, iodepth };
}

function sectors(text: string, what: string): number {
  const bytes = parseSize(text, what);
  if (bytes % SECTOR !== 0) throw expected(what, `a multiple of ${SECTOR} bytes`, text);
  return bytes;
}

/** The range on `device`; `wanted` is what a file holds, where one says how much. */
export function placeRange(request: RangeRequest, device: Device, wanted?: number): DeviceRange {
  const { offset, blockBytes, iodepth } = request;
  const name = formatAddress(device);
  const there = device.sectors * SECTOR;
  if (there === 0) throw failed(`${name} has no sectors: there is nothing to read or to write`);
  if (offset >= there) {
    throw usage(`Expected \`--offset\` to be within ${name}, ${there} bytes, got \`${offset}\``);
  }
  const size = request.size ?? wanted ?? there - offset;
  if (offset + size > there) {
    const what = request.size === null ? "the file" : "`--size`";
    throw usage(
      `Expected ${what} to end within ${name}, ${there} bytes, got ${size} bytes from byte ${offset} on`,
    );
  }
  return { offset, size, blockBytes, iodepth };
}
