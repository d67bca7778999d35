//  14      15      16              18      19      20              24
// +---+---+-------+-------+-------+-------+-------+---- … ----+
// |ver|flg| error | major (shelf) | minor | cmd   | tag       |
// +---+---+-------+-------+-------+-------+-------+---- … ----+
// AoEr11, section 2. Version in the high nibble (1), flags in the low: R response, E error.

import * as ethernet from "./ethernet.ts";
import { type Malformed, tooShort } from "./malformed.ts";

export const VERSION_FLAGS = ethernet.LENGTH;
export const ERROR = VERSION_FLAGS + 1;
export const MAJOR = ERROR + 1;
export const MINOR = MAJOR + 2;
export const COMMAND = MINOR + 1;
export const TAG = COMMAND + 1;
/** Where a command's own header begins; also the length of Ethernet and AoE headers. */
export const LENGTH = TAG + 4;

export const VERSION = 1;
export const FLAG_RESPONSE = 0x8;
export const FLAG_ERROR = 0x4;
/** Every shelf; every slot. Not addresses that an export may have (P20). */
export const ANY_MAJOR = 0xffff;
export const ANY_MINOR = 0xff;

export const COMMAND_ATA = 0;
export const COMMAND_CONFIG = 1;
export const COMMAND_MASK = 2;
export const COMMAND_RESERVE = 3;
/** Vendor commands are this one and all above it. */
export const COMMAND_VENDOR = 0xf0;

export const ERROR_UNRECOGNIZED = 1;
export const ERROR_ARGUMENT = 2;
export const ERROR_UNAVAILABLE = 3;
export const ERROR_CONFIG_PRESENT = 4;
export const ERROR_VERSION = 5;
export const ERROR_RESERVED = 6;

export function version(view: DataView, base: number): number {
  return view.getUint8(base + VERSION_FLAGS) >> 4;
}
export function flags(view: DataView, base: number): number {
  return view.getUint8(base + VERSION_FLAGS) & 0xf;
}
export function isResponse(view: DataView, base: number): boolean {
  return (view.getUint8(base + VERSION_FLAGS) & FLAG_RESPONSE) !== 0;
}
export function isError(view: DataView, base: number): boolean {
  return (view.getUint8(base + VERSION_FLAGS) & FLAG_ERROR) !== 0;
}
export function error(view: DataView, base: number): number {
  return view.getUint8(base + ERROR);
}
export function major(view: DataView, base: number): number {
  return view.getUint16(base + MAJOR);
}
export function minor(view: DataView, base: number): number {
  return view.getUint8(base + MINOR);
}
export function command(view: DataView, base: number): number {
  return view.getUint8(base + COMMAND);
}
export function tag(view: DataView, base: number): number {
  return view.getUint32(base + TAG);
}

/** Writes all ten bytes; `flags` is the low nibble (0 for a request). A value wider than its field would spill into its neighbour. */
export function write(
  view: DataView,
  base: number,
  flags: number,
  error: number,
  major: number,
  minor: number,
  command: number,
  tag: number,
): void {
  view.setUint32(base + VERSION_FLAGS, (VERSION << 28) | (flags << 24) | (error << 16) | major);
  view.setUint16(base + MINOR, (minor << 8) | command);
  view.setUint32(base + TAG, tag);
}

/** The header as a record. */
export interface Aoe {
  /** The high nibble, whatever it is: vblade announces itself with 0. */
  readonly version: number;
  /** The low nibble, with the bits that P1 reserves. */
  readonly flags: number;
  readonly error: number;
  readonly major: number;
  readonly minor: number;
  readonly command: number;
  readonly tag: number;
}

/** The header of the frame of `length` bytes at `base`; any version (P7 judges it, not the codec). */
export function parse(view: DataView, base: number, length: number): Aoe | Malformed {
  if (length < LENGTH) return tooShort("aoe", LENGTH, length);
  return {
    version: version(view, base),
    flags: flags(view, base),
    error: error(view, base),
    major: major(view, base),
    minor: minor(view, base),
    command: command(view, base),
    tag: tag(view, base),
  };
}
/** Writes `length(record)` bytes. */
export function emit(record: Aoe, view: DataView, base: number): void {
  const { flags, error, major, minor, command, tag } = record;
  write(view, base, flags, error, major, minor, command, tag);
  view.setUint8(base + VERSION_FLAGS, (record.version << 4) | flags);
}
export function length(_: Aoe): number {
  return LENGTH - ethernet.LENGTH;
}
