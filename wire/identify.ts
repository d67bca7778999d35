// The 512 bytes that IDENTIFY DEVICE answers with: 256 words, little-endian, in which text stands with
// the two characters of each word exchanged (ATA8-ACS, 7.16; rule P27).
//
// WORDS is the one place that says which word means what. `emit` runs down the table, `parse` reads
// back what the record holds, `describe` prints the table for a sector from anywhere.

import { type Malformed, tooShort } from "./malformed.ts";

/** Bytes of the sector. */
export const LENGTH = 512;

/** Characters that the text fields hold. */
export const SERIAL_LENGTH = 20;
export const FIRMWARE_LENGTH = 8;
export const MODEL_LENGTH = 40;

/** What an export may say of itself. */
export interface Identify {
  /** Printable ASCII, as all three; longer text is cut, shorter is padded with spaces. */
  readonly serial: string;
  readonly firmware: string;
  readonly model: string;
  /** Of 512 bytes, below 2^48. */
  readonly sectors: number;
  /** Writes may be answered before they are on stable storage, until a FLUSH. */
  readonly writeCache: boolean;
  /** SMART (0xB0) is answered. */
  readonly smart: boolean;
  /** 512 or a larger power of two, up to 512 × 2^15. */
  readonly physicalSectorBytes: number;
  /** Revolutions a minute, 1025 … 65534, of a disk; 0: no rotating medium; null: not told. */
  readonly rpm: number | null;
  /** Which run of a target says so, below 2^48, in words that are the vendor's: another one, another program; 0: not told. */
  readonly instance: number;
}

/** Most sectors that 28 bits and most that cylinders, heads and sectors can address. */
const MOST_LBA28 = 0x0fff_ffff;
const MOST_CYLINDERS = 16_383;
const HEADS = 16;
const SECTORS_PER_TRACK = 63;

const WORD_80_VERSIONS = 0x01f0; // ATA/ATAPI-4 to ATA8-ACS
const CACHE = 0x0020;
const SMART = 0x0001;
const LBA48 = 0x0400;
const FLUSH = 0x1000;
const FLUSH_EXT = 0x2000;
/** Bit 14 set and bit 15 clear: the word is valid. */
const VALID = 0x4000;
const PHYSICAL_LARGER = 0x2000;
const NOT_ROTATING = 1;
const SLOWEST_RPM = 0x0401;
const SIGNATURE = 0xa5;
const ALL_ONES = 0xffff;

/** One field: `words` words from `word` on, as little-endian number or as text. */
interface Field {
  readonly word: number;
  readonly words: number;
  readonly name: string;
  readonly value: (identify: Identify) => number | string;
}

/** Every word that isn't zero, in order; 255 (signature and checksum) follows from the rest. */
const WORDS: readonly Field[] = [
  { word: 0, words: 1, name: "general configuration: fixed device", value: () => 0x0040 },
  // 1, 3 and 6 have been obsolete since ATA-6, but hdparm shows 54-58 only beside them.
  { word: 1, words: 1, name: "cylinders by default", value: cylinders },
  { word: 3, words: 1, name: "heads by default", value: () => HEADS },
  { word: 6, words: 1, name: "sectors per track by default", value: () => SECTORS_PER_TRACK },
  {
    word: 10,
    words: SERIAL_LENGTH / 2,
    name: "serial number",
    value: (identify) => identify.serial,
  },
  {
    word: 23,
    words: FIRMWARE_LENGTH / 2,
    name: "firmware revision",
    value: (identify) => identify.firmware,
  },
  { word: 27, words: MODEL_LENGTH / 2, name: "model", value: (identify) => identify.model },
  { word: 47, words: 1, name: "READ MULTIPLE: no sectors", value: () => 0x8000 },
  { word: 49, words: 1, name: "capabilities: LBA", value: () => 0x0200 },
  { word: 50, words: 1, name: "capabilities, continued", value: () => VALID },
  { word: 53, words: 1, name: "words 54-58, 64-70 and 88 are valid", value: () => 0x0007 },
  { word: 54, words: 1, name: "cylinders", value: cylinders },
  { word: 55, words: 1, name: "heads", value: () => HEADS },
  { word: 56, words: 1, name: "sectors per track", value: () => SECTORS_PER_TRACK },
  {
    word: 57,
    words: 2,
    name: "sectors by CHS",
    value: (identify) => cylinders(identify) * HEADS * SECTORS_PER_TRACK,
  },
  {
    word: 60,
    words: 2,
    name: "sectors by LBA28",
    value: (identify) => Math.min(identify.sectors, MOST_LBA28),
  },
  { word: 80, words: 1, name: "ATA versions", value: () => WORD_80_VERSIONS },
  { word: 82, words: 1, name: "supported: write cache, SMART", value: features },
  {
    word: 83,
    words: 1,
    name: "supported: LBA48, FLUSH, FLUSH EXT",
    value: () => VALID | LBA48 | FLUSH | FLUSH_EXT,
  },
  { word: 84, words: 1, name: "supported, continued", value: () => VALID },
  { word: 85, words: 1, name: "enabled: write cache, SMART", value: features },
  {
    word: 86,
    words: 1,
    name: "enabled: LBA48, FLUSH, FLUSH EXT",
    value: () => LBA48 | FLUSH | FLUSH_EXT,
  },
  { word: 87, words: 1, name: "enabled, continued", value: () => VALID },
  { word: 93, words: 1, name: "hardware reset result", value: () => 0x400b },
  { word: 100, words: 4, name: "sectors by LBA48", value: (identify) => identify.sectors },
  {
    word: 106,
    words: 1,
    name: "physical sector size",
    value: ({ physicalSectorBytes }) =>
      physicalSectorBytes > 512
        ? VALID | PHYSICAL_LARGER | Math.log2(physicalSectorBytes / 512)
        : VALID,
  },
  {
    word: 129,
    words: 3,
    name: "vendor's: the run of the target",
    value: ({ instance }) => instance,
  },
  {
    word: 217,
    words: 1,
    name: "rotation rate",
    value: ({ rpm }) => (rpm === null ? 0 : rpm === 0 ? NOT_ROTATING : rpm),
  },
];

const CHECKSUM_WORD = 255;

/** Writes all 512 bytes at `offset`. */
export function emit(record: Identify, view: DataView, offset: number): void {
  for (let at = 0; at < LENGTH; at += 4) view.setUint32(offset + at, 0);
  for (const { word, words, value } of WORDS) {
    const what = value(record);
    if (typeof what === "string") writeText(view, offset, word, words, what);
    else writeNumber(view, offset, word, words, what);
  }
  view.setUint8(offset + 2 * CHECKSUM_WORD, SIGNATURE);
  view.setUint8(offset + 2 * CHECKSUM_WORD + 1, -sum(view, offset, LENGTH - 1) & 0xff);
}

/** What the sector at `offset` says, of `length` bytes that there are; `checksum` judges its integrity. */
export function parse(
  view: DataView,
  offset: number,
  length: number = LENGTH,
): Identify | Malformed {
  if (length < LENGTH) return tooShort("identify", LENGTH, length);
  const supported = readNumber(view, offset, 82, 1);
  // A cache may be there and off.
  const enabled = isValid(view, offset, 87) ? readNumber(view, offset, 85, 1) : supported;
  const extended = hasLba48(view, offset) ? readNumber(view, offset, 100, 4) : 0;
  const sizes = readNumber(view, offset, 106, 1);
  const larger = isValid(view, offset, 106) && (sizes & PHYSICAL_LARGER) !== 0;
  const rate = readNumber(view, offset, 217, 1);
  return {
    serial: readText(view, offset, 10, 10),
    firmware: readText(view, offset, 23, 4),
    model: readText(view, offset, 27, 20),
    sectors: extended > 0 ? extended : readNumber(view, offset, 60, 2),
    writeCache: (enabled & CACHE) !== 0,
    smart: (supported & SMART) !== 0,
    physicalSectorBytes: larger ? 512 * 2 ** (sizes & 0xf) : 512,
    rpm: rate === NOT_ROTATING ? 0 : rate >= SLOWEST_RPM && rate !== ALL_ONES ? rate : null,
    instance: readNumber(view, offset, 129, 3),
  };
}

/**
 * 48-bit addresses, as the drivers judge it: bit 10 of word 83 or 86 (Linux, aoecmd.c). None asks for word 83's bit
 * 14, and qaoed does not set it. A word of ones says nothing.
 */
export function hasLba48(view: DataView, offset: number): boolean {
  return hasCommand(view, offset, LBA48);
}

/** FLUSH CACHE EXT, by the same words. */
export function hasFlushExtended(view: DataView, offset: number): boolean {
  return hasCommand(view, offset, FLUSH_EXT);
}

function hasCommand(view: DataView, offset: number, bit: number): boolean {
  const supported = readNumber(view, offset, 83, 1);
  const enabled = readNumber(view, offset, 86, 1);
  return (
    (supported !== ALL_ONES && (supported & bit) !== 0) ||
    (enabled !== ALL_ONES && (enabled & bit) !== 0)
  );
}

/** `absent` where word 255 has no signature: devices older than ATA-5, and vblade's. */
export function checksum(view: DataView, offset: number): "valid" | "wrong" | "absent" {
  if (view.getUint8(offset + 2 * CHECKSUM_WORD) !== SIGNATURE) return "absent";
  return (sum(view, offset, LENGTH) & 0xff) === 0 ? "valid" : "wrong";
}

/** One line of the sector as the table names it. */
export interface Described {
  readonly word: number;
  readonly name: string;
  /** Text fields as text, all others as a number. */
  readonly value: number | string;
}

/** The table's fields as they stand in the sector at `offset`. */
export function describe(view: DataView, offset: number): Described[] {
  return WORDS.map(({ word, words, name }) => ({
    word,
    name,
    value:
      words > 4 || word === 23
        ? readText(view, offset, word, words)
        : readNumber(view, offset, word, words),
  }));
}

/** The sector as `hdparm --Istdin` wants it: 256 words in hexadecimal, eight a line. */
export function toHdparm(view: DataView, offset: number): string {
  let text = "";
  for (let word = 0; word < LENGTH / 2; word++) {
    const digits = view
      .getUint16(offset + 2 * word, true)
      .toString(16)
      .padStart(4, "0");
    text += digits + (word % 8 === 7 ? "\n" : " ");
  }
  return text;
}

function cylinders({ sectors }: Identify): number {
  return Math.min(Math.floor(sectors / (HEADS * SECTORS_PER_TRACK)), MOST_CYLINDERS);
}

function features({ writeCache, smart }: Identify): number {
  return (writeCache ? CACHE : 0) | (smart ? SMART : 0);
}

function isValid(view: DataView, offset: number, word: number): boolean {
  return (readNumber(view, offset, word, 1) & 0xc000) === VALID;
}

function writeNumber(
  view: DataView,
  offset: number,
  word: number,
  words: number,
  value: number,
): void {
  let left = value;
  for (let index = 0; index < words; index++) {
    view.setUint16(offset + 2 * (word + index), left % 0x1_0000, true);
    left = Math.floor(left / 0x1_0000);
  }
}

function readNumber(view: DataView, offset: number, word: number, words: number): number {
  let value = 0;
  // The fourth word of a size is beyond 48 bits: zero in all that AoE can address.
  for (let index = Math.min(words, 3) - 1; index >= 0; index--) {
    value = value * 0x1_0000 + view.getUint16(offset + 2 * (word + index), true);
  }
  return value;
}

/** The first character of a word is its high byte, which little-endian order puts second. */
function writeText(
  view: DataView,
  offset: number,
  word: number,
  words: number,
  text: string,
): void {
  for (let index = 0; index < 2 * words; index++) {
    const code = index < text.length ? text.charCodeAt(index) : 0x20;
    const printable = code >= 0x20 && code < 0x7f ? code : 0x3f;
    view.setUint8(offset + 2 * word + (index ^ 1), printable);
  }
}

function readText(view: DataView, offset: number, word: number, words: number): string {
  let text = "";
  for (let index = 0; index < 2 * words; index++) {
    const code = view.getUint8(offset + 2 * word + (index ^ 1));
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : code === 0 ? " " : "?";
  }
  return text.trim();
}

function sum(view: DataView, offset: number, length: number): number {
  let total = 0;
  for (let at = 0; at < length; at++) total += view.getUint8(offset + at);
  return total;
}
