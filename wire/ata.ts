//  24      25        26      27          28             34          36
// +-------+---------+-------+-----------+---- … ------+-----------+---- … ----+
// |AFlags | feature | count | command / | lba0 … lba5 | reserved  | count×512 |
// |       | / error |       | status    | lba0 lowest |           | bytes     |
// +-------+---------+-------+-----------+---- … ------+-----------+---- … ----+
// AoEr11, section 3. The LBA is the one little-endian field. A request's data length comes from its
// count; an answer's comes from the request that it matches (P18).

import * as aoe from "./aoe.ts";

export const FLAGS = aoe.LENGTH;
export const FEATURE = FLAGS + 1;
export const COUNT = FEATURE + 1;
export const COMMAND = COUNT + 1;
export const LBA = COMMAND + 1;
export const RESERVED = LBA + 6;
/** Length of all headers of an ATA frame: where its data begin. */
export const LENGTH = RESERVED + 2;

/** Bytes of a sector; AoE knows no other size. */
export const SECTOR = 512;

export const FLAG_EXTENDED = 0x40;
export const FLAG_DEVICE = 0x10;
export const FLAG_ASYNC = 0x02;
export const FLAG_WRITE = 0x01;

export const READ = 0x20;
export const READ_EXT = 0x24;
export const WRITE = 0x30;
export const WRITE_EXT = 0x34;
export const SMART = 0xb0;
export const CHECK_POWER = 0xe5;
export const FLUSH = 0xe7;
export const FLUSH_EXT = 0xea;
export const IDENTIFY = 0xec;

export const STATUS_ERR = 0x01;
export const STATUS_DRQ = 0x08;
export const STATUS_DF = 0x20;
export const STATUS_DRDY = 0x40;
export const STATUS_BSY = 0x80;
/** A response with any of these set is a failure (Linux aoecmd.c tests 0xA9). */
export const STATUS_FAILED = STATUS_BSY | STATUS_DF | STATUS_DRQ | STATUS_ERR;

export const ERROR_ABRT = 0x04;
export const ERROR_IDNF = 0x10;
export const ERROR_UNC = 0x40;

export function flags(view: DataView, base: number): number {
  return view.getUint8(base + FLAGS);
}
/** The feature register of a request; the same byte is `error` in a response. */
export function feature(view: DataView, base: number): number {
  return view.getUint8(base + FEATURE);
}
/** The error register of a response. */
export function error(view: DataView, base: number): number {
  return view.getUint8(base + FEATURE);
}
export function count(view: DataView, base: number): number {
  return view.getUint8(base + COUNT);
}
/** The command register of a request; the same byte is the status in a response. */
export function command(view: DataView, base: number): number {
  return view.getUint8(base + COMMAND);
}
/** The status register of a response. */
export function status(view: DataView, base: number): number {
  return view.getUint8(base + COMMAND);
}
export function lba48(view: DataView, base: number): number {
  return view.getUint32(base + LBA, true) + view.getUint16(base + LBA + 4, true) * 0x1_0000_0000;
}
/** 28 bits: the top nibble of lba3 holds device and head bits (P21). */
export function lba28(view: DataView, base: number): number {
  return view.getUint32(base + LBA, true) & 0x0fff_ffff;
}

/** Writes all twelve bytes, the reserved ones as zero (P1); `lba` is a sector number below 2^48. */
export function write(
  view: DataView,
  base: number,
  flags: number,
  feature: number,
  count: number,
  command: number,
  lba: number,
): void {
  view.setUint8(base + FLAGS, flags);
  view.setUint8(base + FEATURE, feature);
  view.setUint8(base + COUNT, count);
  view.setUint8(base + COMMAND, command);
  view.setUint32(base + LBA, lba >>> 0, true);
  view.setUint16(base + LBA + 4, Math.floor(lba / 0x1_0000_0000), true);
  view.setUint16(base + RESERVED, 0);
}
