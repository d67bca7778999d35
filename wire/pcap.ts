//  0       4       6       8      12       16        20         24
// +-------+-------+-------+------+--------+---------+----------+---- records …
// | magic | major | minor | zone | digits | snaplen | linktype |
// +-------+-------+-------+------+--------+---------+----------+
//
// One record:  0         4          8           12       16
//             +---------+----------+-----------+--------+---- … ----+
//             | seconds | fraction | captured  | length | captured  |
//             |         | µs or ns | bytes     | on wire| bytes     |
//             +---------+----------+-----------+--------+---- … ----+
// The classic capture format (draft-ietf-opsawg-pcap). The magic tells byte order and fraction: four
// kinds are read; nanoseconds in little-endian order are written. A damaged file gives what stands
// before the damage, and then a value that names it.

import type { ByteWindow } from "./byte_window.ts";
import { copy } from "./bytes.ts";
import { type Capture, MORE, type Packet } from "./capture.ts";
import { LINKTYPE_ETHERNET } from "./link_layer.ts";
import { type Malformed, malformed } from "./malformed.ts";

export const HEADER_LENGTH = 24;
export const RECORD_LENGTH = 16;

const MAGIC_US = 0xa1b2c3d4;
const MAGIC_NS = 0xa1b23c4d;
/** Most bytes of one packet that are believed: libpcap's own bound for Ethernet. */
export const LARGEST = 262_144;

const NO_BLOCKS: ReadonlyMap<number, number> = new Map();

/** The classic capture in `window`, or why it is none; its header must be here, or all that there is. */
export function open(window: ByteWindow): Capture | Malformed {
  const { view, base, left } = window;
  if (left < HEADER_LENGTH) {
    return malformed("pcap", "header", left, `at least ${HEADER_LENGTH} bytes`, `${left}`);
  }
  const little = isMagic(view.getUint32(base, true));
  const magic = view.getUint32(base, little);
  if (!isMagic(magic)) {
    const rule = "a1b2c3d4 or a1b23c4d in either byte order";
    const got = view.getUint32(base).toString(16).padStart(8, "0");
    return malformed("pcap", "magic", 0, rule, got);
  }
  const major = view.getUint16(base + 4, little);
  if (major !== 2) return malformed("pcap", "version", 4, "2", `${major}`);
  // The upper half may tell of checksums behind the frames, which Ethernet captures do not keep.
  const linktype = view.getUint32(base + 20, little) & 0xffff;
  window.skip(HEADER_LENGTH);
  return cursor(window, little, magic === MAGIC_NS ? 1 : 1000, linktype);
}

function cursor(window: ByteWindow, little: boolean, grain: number, linktype: number): Capture {
  let damage: Malformed | null = null;
  return {
    format: "pcap",
    unknownBlocks: NO_BLOCKS,
    next(): Packet | Malformed | typeof MORE | null {
      if (damage !== null || (window.left === 0 && window.ended)) return null;
      if (window.left < RECORD_LENGTH && !window.ended) return MORE;
      damage = damaged(window, little);
      if (damage !== null) return damage;
      const { view, base } = window;
      const captured = view.getUint32(base + 8, little);
      if (window.left < RECORD_LENGTH + captured) return MORE;
      window.skip(RECORD_LENGTH + captured);
      return {
        seconds: view.getUint32(base, little),
        nanoseconds: view.getUint32(base + 4, little) * grain,
        view,
        offset: base + RECORD_LENGTH,
        captured,
        length: view.getUint32(base + 12, little),
        linktype,
        interface: 0,
        sent: null,
      };
    },
  };
}

/** What is wrong with the record at the window's start. */
function damaged(window: ByteWindow, little: boolean): Malformed | null {
  const { view, base, offset, left } = window;
  if (left < RECORD_LENGTH) {
    const rule = `${RECORD_LENGTH} bytes or the end of the file`;
    return malformed("pcap", "record header", offset, rule, `${left}`);
  }
  const captured = view.getUint32(base + 8, little);
  const length = view.getUint32(base + 12, little);
  if (captured > LARGEST) {
    return malformed("pcap", "captured length", offset + 8, `at most ${LARGEST}`, `${captured}`);
  }
  if (captured > length) {
    const rule = `at most the ${length} bytes on the wire`;
    return malformed("pcap", "captured length", offset + 8, rule, `${captured}`);
  }
  if (window.ended && captured > left - RECORD_LENGTH) {
    const rule = `at most the ${left - RECORD_LENGTH} bytes left in the file`;
    return malformed("pcap", "captured length", offset + 8, rule, `${captured}`);
  }
  return null;
}

function isMagic(magic: number): boolean {
  return magic === MAGIC_US || magic === MAGIC_NS;
}

/** Writes the file header of a nanosecond Ethernet capture: HEADER_LENGTH bytes. */
function writeHeader(view: DataView, offset: number, snaplen: number): void {
  view.setUint32(offset, MAGIC_NS, true);
  view.setUint16(offset + 4, 2, true);
  view.setUint16(offset + 6, 4, true);
  view.setUint32(offset + 8, 0, true);
  view.setUint32(offset + 12, 0, true);
  view.setUint32(offset + 16, snaplen, true);
  view.setUint32(offset + 20, LINKTYPE_ETHERNET, true);
}

/** The file header by itself. */
export function fileHeader(snaplen = LARGEST): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH);
  writeHeader(new DataView(bytes.buffer), 0, snaplen);
  return bytes;
}

/** Of records as a Writer gathers them, bytes of those that are whole within the first `end` bytes. */
export function wholeRecords(records: Uint8Array, end: number): number {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  let whole = 0;
  while (whole + RECORD_LENGTH <= end) {
    const next = whole + RECORD_LENGTH + view.getUint32(whole + 8, true);
    if (next > end) break;
    whole = next;
  }
  return whole;
}

/** Captured frames gathered in memory of the caller's, until he has put them where they belong. */
export interface Writer {
  /** Bytes gathered at the start of the memory, since the last `clear`. */
  length(): number;
  /** Appends a frame seen at `at` ns; false: no room, nothing was written. Allocates nothing. */
  append(frame: DataView, base: number, length: number, at: number): boolean;
  /** Forgets what was gathered (it is written to the file): the next frame goes to the start. */
  clear(): void;
}

/**
 * A writer into `memory`, which begins with the file header. `epochSeconds` is when `at` was 0, in
 * whole seconds since 1970; frames are cut at `snaplen` bytes.
 */
export function createWriter(memory: DataView, epochSeconds: number, snaplen = LARGEST): Writer {
  writeHeader(memory, 0, snaplen);
  let used = HEADER_LENGTH;
  return {
    length: () => used,
    append(frame, base, length, at) {
      const captured = Math.min(length, snaplen);
      if (used + RECORD_LENGTH + captured > memory.byteLength) return false;
      const seconds = Math.floor(at / 1e9);
      memory.setUint32(used, epochSeconds + seconds, true);
      memory.setUint32(used + 4, at - seconds * 1e9, true);
      memory.setUint32(used + 8, captured, true);
      memory.setUint32(used + 12, length, true);
      copy(frame, base, memory, used + RECORD_LENGTH, captured);
      used += RECORD_LENGTH + captured;
      return true;
    },
    clear() {
      used = 0;
    },
  };
}
