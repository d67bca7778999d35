// What people call the codes. An unknown code survives as its number.

import * as aoe from "./aoe.ts";
import * as ata from "./ata.ts";
import * as config from "./config.ts";
import * as mask from "./mask.ts";
import * as reserve from "./reserve.ts";

type Names = Readonly<Record<number, string>>;

export const COMMANDS: Names = {
  [aoe.COMMAND_ATA]: "ata",
  [aoe.COMMAND_CONFIG]: "config",
  [aoe.COMMAND_MASK]: "mask",
  [aoe.COMMAND_RESERVE]: "reserve",
};
export const ERRORS: Names = {
  [aoe.ERROR_UNRECOGNIZED]: "unrecognized command",
  [aoe.ERROR_ARGUMENT]: "bad argument",
  [aoe.ERROR_UNAVAILABLE]: "device unavailable",
  [aoe.ERROR_CONFIG_PRESENT]: "config string present",
  [aoe.ERROR_VERSION]: "unsupported version",
  [aoe.ERROR_RESERVED]: "target is reserved",
};
export const ATA_COMMANDS: Names = {
  [ata.READ]: "read",
  [ata.READ_EXT]: "read ext",
  [ata.WRITE]: "write",
  [ata.WRITE_EXT]: "write ext",
  [ata.SMART]: "smart",
  [ata.CHECK_POWER]: "check power mode",
  [ata.FLUSH]: "flush",
  [ata.FLUSH_EXT]: "flush ext",
  [ata.IDENTIFY]: "identify",
};
export const CONFIG_COMMANDS: Names = {
  [config.READ]: "read",
  [config.TEST]: "test",
  [config.TEST_PREFIX]: "test prefix",
  [config.SET]: "set",
  [config.FORCE_SET]: "force set",
};
export const MASK_COMMANDS: Names = { [mask.READ]: "read", [mask.EDIT]: "edit" };
export const MASK_ERRORS: Names = {
  [mask.ERROR_UNSPECIFIED]: "unspecified",
  [mask.ERROR_DIRECTIVE]: "bad directive",
  [mask.ERROR_FULL]: "list full",
};
export const DIRECTIVES: Names = {
  [mask.DIRECTIVE_NONE]: "none",
  [mask.DIRECTIVE_ADD]: "add",
  [mask.DIRECTIVE_DELETE]: "delete",
};
export const RESERVE_COMMANDS: Names = {
  [reserve.READ]: "read",
  [reserve.SET]: "set",
  [reserve.FORCE_SET]: "force set",
};

const AOE_FLAGS: Names = { 8: "R", 4: "E" };
const ATA_FLAGS: Names = {
  [ata.FLAG_EXTENDED]: "E",
  [ata.FLAG_DEVICE]: "D",
  [ata.FLAG_ASYNC]: "A",
  [ata.FLAG_WRITE]: "W",
};
const STATUS_BITS: Names = {
  [ata.STATUS_BSY]: "BSY",
  [ata.STATUS_DRDY]: "DRDY",
  [ata.STATUS_DF]: "DF",
  [ata.STATUS_DRQ]: "DRQ",
  [ata.STATUS_ERR]: "ERR",
};
const ERROR_BITS: Names = {
  [ata.ERROR_UNC]: "UNC",
  [ata.ERROR_IDNF]: "IDNF",
  [ata.ERROR_ABRT]: "ABRT",
};

/** The code's name, or `0x2a`. */
export function nameOf(names: Names, code: number): string {
  return names[code] ?? hex(code, 2);
}

/** `ERR DRDY`, unnamed bits as `0x10`; `0` where none is set. */
function bits(names: Names, value: number): string {
  const words: string[] = [];
  for (let bit = 0x80; bit > 0; bit >>= 1) {
    if ((value & bit) !== 0) words.push(names[bit] ?? hex(bit, 2));
  }
  return words.length === 0 ? "0" : words.join(" ");
}

export const aoeFlags = (value: number): string => bits(AOE_FLAGS, value);
export const ataFlags = (value: number): string => bits(ATA_FLAGS, value);
export const statusBits = (value: number): string => bits(STATUS_BITS, value);
export const errorBits = (value: number): string => bits(ERROR_BITS, value);

export function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, "0")}`;
}

/** `e7.3`; the wildcards print as `e*.*`. */
export function formatAddress(major: number, minor: number): string {
  return `e${major === aoe.ANY_MAJOR ? "*" : major}.${minor === aoe.ANY_MINOR ? "*" : minor}`;
}

/** Bytes as text in quotes: printable ASCII as it is, all others as `\x00`. */
export function quote(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    if (byte === 0x22 || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`;
    else if (byte >= 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return `"${text}"`;
}
