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

import { copy } from "./bytes.ts";
import type { Capture, Packet } from "./capture.ts";
import { type Malformed, malformed } from "./malformed.ts";

export const HEADER_LENGTH = 24;
export const RECORD_LENGTH = 16;
export const LINKTYPE_ETHERNET = 1;

const MAGIC_US = 0xa1b2c3d4;
const MAGIC_NS = 0xa1b23c4d;
/** Most bytes of one packet that are believed: libpcap's own bound for Ethernet. */
export const LARGEST = 262_144;

/** The classic capture in `view`, or why it is none. */
export function read(view: DataView): Capture | Malformed {
  const length = view.byteLength;
  if (length < HEADER_LENGTH) {
    return malformed("pcap", "header", length, `at least ${HEADER_LENGTH} bytes`, `${length}`);
  }
  const little = isMagic(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (!isMagic(magic)) {
    const rule = "a1b2c3d4 or a1b23c4d in either byte order";
    return malformed("pcap", "magic", 0, rule, view.getUint32(0).toString(16).padStart(8, "0"));
  }
  const major = view.getUint16(4, little);
  if (major !== 2) return malformed("pcap", "version", 4, "2", `${major}`);
  // The upper half may tell of checksums behind the frames, which Ethernet captures do not keep.
  const linktype = view.getUint32(20, little) & 0xffff;
  if (linktype !== LINKTYPE_ETHERNET) {
    return malformed("pcap", "link type", 20, "1 (Ethernet)", `${linktype}`);
  }
  return cursor(view, little, magic === MAGIC_NS ? 1 : 1000);
}

function cursor(view: DataView, little: boolean, grain: number): Capture {
  let at = HEADER_LENGTH;
  let damage: Malformed | null = null;
  return {
    format: "pcap",
    next(): Packet | Malformed | null {
      const left = view.byteLength - at;
      if (damage !== null || left === 0) return null;
      damage = damaged(view, little, at, left);
      if (damage !== null) return damage;
      const packet = {
        seconds: view.getUint32(at, little),
        nanoseconds: view.getUint32(at + 4, little) * grain,
        offset: at + RECORD_LENGTH,
        captured: view.getUint32(at + 8, little),
        length: view.getUint32(at + 12, little),
      };
      at = packet.offset + packet.captured;
      return packet;
    },
  };
}

/** What is wrong with the record at `at`, `left` bytes before the end of the file. */
function damaged(view: DataView, little: boolean, at: number, left: number): Malformed | null {
  if (left < RECORD_LENGTH) {
    const rule = `${RECORD_LENGTH} bytes or the end of the file`;
    return malformed("pcap", "record header", at, rule, `${left}`);
  }
  const captured = view.getUint32(at + 8, little);
  const length = view.getUint32(at + 12, little);
  if (captured > LARGEST) {
    return malformed("pcap", "captured length", at + 8, `at most ${LARGEST}`, `${captured}`);
  }
  if (captured > length) {
    const rule = `at most the ${length} bytes on the wire`;
    return malformed("pcap", "captured length", at + 8, rule, `${captured}`);
  }
  if (captured > left - RECORD_LENGTH) {
    const rule = `at most the ${left - RECORD_LENGTH} bytes left in the file`;
    return malformed("pcap", "captured length", at + 8, rule, `${captured}`);
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
