//  24            26         28        29        30              32
// +-------------+----------+---------+----+----+---------------+---- … ----+
// | buffers     | firmware | sectors |ver |CCmd| string length | string    |
// +-------------+----------+---------+----+----+---------------+---- … ----+
// AoEr11, section 3.2 (query config information). A read's length field means nothing (P9): aoeping sends
// 1024 there in a frame of 60 bytes.

import * as aoe from "./aoe.ts";
import { copyIn, copyOut } from "./bytes.ts";
import { type Malformed, malformed, tooShort } from "./malformed.ts";

export const BUFFER_COUNT = aoe.LENGTH;
export const FIRMWARE = BUFFER_COUNT + 2;
export const SECTOR_COUNT = FIRMWARE + 2;
export const VERSION_COMMAND = SECTOR_COUNT + 1;
export const STRING_LENGTH = VERSION_COMMAND + 1;
/** Length of all headers of a config frame: where its string begins. */
export const LENGTH = STRING_LENGTH + 2;

/** Bytes of the longest config string. */
export const LONGEST_STRING = 1024;

export const READ = 0;
export const TEST = 1;
export const TEST_PREFIX = 2;
export const SET = 3;
export const FORCE_SET = 4;

/** How many messages the target can hold at once. */
export function bufferCount(view: DataView, base: number): number {
  return view.getUint16(base + BUFFER_COUNT);
}
export function firmware(view: DataView, base: number): number {
  return view.getUint16(base + FIRMWARE);
}
/** Most sectors of one command; 0 is to be read as 2. */
export function sectorCount(view: DataView, base: number): number {
  return view.getUint8(base + SECTOR_COUNT);
}
export function version(view: DataView, base: number): number {
  return view.getUint8(base + VERSION_COMMAND) >> 4;
}
/** CCmd: one of READ … FORCE_SET, or what no specification names. */
export function command(view: DataView, base: number): number {
  return view.getUint8(base + VERSION_COMMAND) & 0xf;
}
/** The length field, which nothing has compared with the frame yet. */
export function stringLength(view: DataView, base: number): number {
  return view.getUint16(base + STRING_LENGTH);
}

/** Writes the eight bytes of the header; the string's own bytes are the caller's to write at LENGTH. */
export function write(
  view: DataView,
  base: number,
  bufferCount: number,
  firmware: number,
  sectorCount: number,
  command: number,
  stringLength: number,
): void {
  view.setUint16(base + BUFFER_COUNT, bufferCount);
  view.setUint16(base + FIRMWARE, firmware);
  view.setUint8(base + SECTOR_COUNT, sectorCount);
  view.setUint8(base + VERSION_COMMAND, (aoe.VERSION << 4) | command);
  view.setUint16(base + STRING_LENGTH, stringLength);
}

/** The header and the string as a record. */
export interface Config {
  readonly kind: "config";
  readonly bufferCount: number;
  readonly firmware: number;
  readonly sectorCount: number;
  readonly version: number;
  readonly command: number;
  /** The length field. It is the string's length, but for a read request, which has no string. */
  readonly stringLength: number;
  readonly string: Uint8Array;
}

/** The config header and a copy of the string of the frame of `length` bytes at `base`. */
export function parse(view: DataView, base: number, length: number): Config | Malformed {
  if (length < LENGTH) return tooShort("config", LENGTH, length);
  const declared = stringLength(view, base);
  const ignored = command(view, base) === READ && !aoe.isResponse(view, base);
  const taken = ignored ? 0 : declared;
  if (taken > LONGEST_STRING) {
    const rule = `at most ${LONGEST_STRING} bytes`;
    return malformed("config", "string length", STRING_LENGTH, rule, `${taken}`);
  }
  if (taken > length - LENGTH) {
    const rule = `at most the ${length - LENGTH} bytes behind the header`;
    return malformed("config", "string length", STRING_LENGTH, rule, `${taken}`);
  }
  return {
    kind: "config",
    bufferCount: bufferCount(view, base),
    firmware: firmware(view, base),
    sectorCount: sectorCount(view, base),
    version: version(view, base),
    command: command(view, base),
    stringLength: declared,
    string: copyOut(view, base + LENGTH, taken),
  };
}
/** Writes `length(record)` bytes. */
export function emit(record: Config, view: DataView, base: number): void {
  const { bufferCount, firmware, sectorCount, command, stringLength } = record;
  write(view, base, bufferCount, firmware, sectorCount, command, stringLength);
  view.setUint8(base + VERSION_COMMAND, (record.version << 4) | command);
  copyIn(record.string, view, base + LENGTH);
}
export function length(record: Config): number {
  return LENGTH - aoe.LENGTH + record.string.length;
}
