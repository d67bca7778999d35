//  24      25        26      27          28             34          36
// +-------+---------+-------+-----------+---- … ------+-----------+---- … ----+
// |AFlags | feature | count | command / | lba0 … lba5 | reserved  | count×512 |
// |       | / error |       | status    | lba0 lowest |           | bytes     |
// +-------+---------+-------+-----------+---- … ------+-----------+---- … ----+
// AoEr11, section 3. The LBA is the one little-endian field. A request's data length comes from its
// count; an answer's comes from the request that it matches (P18).

import * as aoe from "./aoe.ts";
import * as ethernet from "./ethernet.ts";
import { type Malformed, tooShort } from "./malformed.ts";

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
/** Headers of an ATA frame that an MTU counts: all but Ethernet's (P13). */
export const MTU_HEADERS = LENGTH - ethernet.LENGTH;
/** The least MTU that carries one sector (P13). */
export const LEAST_MTU = MTU_HEADERS + SECTOR;
/** Sectors that a command can address: LBAs are below this. */
export const MOST_SECTORS = 2 ** 48;
/** In lba3, the device register of a 28-bit command: LBA mode and two bits that were always set. */
export const LBA_MODE = 0xe000_0000;

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

/** SMART's subcommands, in the feature register. */
export const SMART_READ_DATA = 0xd0;
const SMART_READ_THRESHOLDS = 0xd1;
export const SMART_READ_LOG = 0xd5;
export const SMART_RETURN_STATUS = 0xda;

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

/**
 * Writes all twelve bytes, the reserved ones as zero (P1); `lba` is a sector number below 2^48. A value wider than its
 * field would spill into its neighbour.
 */
export function write(
  view: DataView,
  base: number,
  flags: number,
  feature: number,
  count: number,
  command: number,
  lba: number,
): void {
  view.setUint32(base + FLAGS, (flags << 24) | (feature << 16) | (count << 8) | command);
  view.setUint32(base + LBA, lba >>> 0, true);
  // The highest two bytes, and behind them the reserved ones.
  view.setUint32(base + LBA + 4, (lba / 0x1_0000_0000) | 0, true);
}

/** Whether an opcode addresses by 48 bits (P21: the opcode decides, not the E flag). */
export function isExtended(command: number): boolean {
  return command === READ_EXT || command === WRITE_EXT || command === FLUSH_EXT;
}
export function isRead(command: number): boolean {
  return command === READ || command === READ_EXT;
}
export function isWrite(command: number): boolean {
  return command === WRITE || command === WRITE_EXT;
}

/** Sectors of data that a frame holds behind its headers, at this MTU. */
export function sectorsWithin(mtu: number): number {
  return Math.max(0, Math.floor((mtu - MTU_HEADERS) / SECTOR));
}

/** The header of an IDENTIFY at `base`; the length of the request. */
export function writeIdentify(view: DataView, base: number): number {
  // Count 1 (P14); 0xA0 in lba3, the device register as Linux sends it.
  write(view, base, 0, 0, 1, IDENTIFY, 0xa000_0000);
  return LENGTH;
}

/** Bytes of data behind the header of a request (P18, P22). An opcode we don't know goes by the W flag. */
export function requestDataLength(command: number, flags: number, count: number): number {
  if (isWrite(command)) return count * SECTOR;
  if (isRead(command) || command === IDENTIFY) return 0;
  return (flags & FLAG_WRITE) !== 0 ? count * SECTOR : 0;
}
/**
 * Bytes of data in the successful answer to a request with these fields (P18: nothing in the answer
 * itself tells). Null: an opcode that we don't know and that doesn't write.
 */
export function answerDataLength(
  command: number,
  flags: number,
  feature: number,
  count: number,
): number | null {
  if (isRead(command)) return count * SECTOR;
  if (command === IDENTIFY) return SECTOR;
  if (isWrite(command) || (flags & FLAG_WRITE) !== 0) return 0;
  if (command === FLUSH || command === FLUSH_EXT || command === CHECK_POWER) return 0;
  if (command !== SMART) return null;
  if (feature === SMART_READ_DATA || feature === SMART_READ_THRESHOLDS) return SECTOR;
  return feature === SMART_READ_LOG ? count * SECTOR : 0;
}

/** The header as a record. Of a response, `feature` is the error register and `command` the status. */
export interface Ata {
  readonly kind: "ata";
  readonly flags: number;
  readonly feature: number;
  readonly count: number;
  readonly command: number;
  /** All 48 bits as they stand; for LBA28 bits 24–27 are the address's and 28–31 the device's (P21). */
  readonly lba: number;
  readonly reserved: number;
}

/** The ATA header of the frame of `length` bytes at `base`; data stay where they are. */
export function parse(view: DataView, base: number, length: number): Ata | Malformed {
  if (length < LENGTH) return tooShort("ata", LENGTH, length);
  return {
    kind: "ata",
    flags: flags(view, base),
    feature: feature(view, base),
    count: count(view, base),
    command: command(view, base),
    lba: lba48(view, base),
    reserved: view.getUint16(base + RESERVED),
  };
}
/** Writes `length(record)` bytes. */
export function emit(record: Ata, view: DataView, base: number): void {
  const { flags, feature, count, command, lba } = record;
  write(view, base, flags, feature, count, command, lba);
  view.setUint16(base + RESERVED, record.reserved);
}
export function length(_: Ata): number {
  return LENGTH - aoe.LENGTH;
}
