//  24            26         28        29        30              32
// +-------------+----------+---------+----+----+---------------+---- … ----+
// | buffers     | firmware | sectors |ver |CCmd| string length | string    |
// +-------------+----------+---------+----+----+---------------+---- … ----+
// AoEr11, section 3.2 (query config information). A read's length field means nothing (P9): aoeping sends
// 1024 there in a frame of 60 bytes.

import * as aoe from "./aoe.ts";

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
