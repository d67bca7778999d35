//  0      4        8           length − 4
// +------+--------+---- … ----+--------+
// | type | length | body      | length |    every block; the length is a multiple of 4
// +------+--------+---- … ----+--------+
// The newer capture format (draft-ietf-opsawg-pcapng), as Wireshark writes it: read, not written.
// A section header tells the byte order, an interface its link type and the unit of its times;
// enhanced and simple packets are read, all other blocks skipped.

import type { Capture, Packet } from "./capture.ts";
import { isMalformed, type Malformed, malformed } from "./malformed.ts";
import { LARGEST, LINKTYPE_ETHERNET } from "./pcap.ts";

/** The section header's type; the same in both byte orders. */
export const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const MICROSECONDS = 6;

/** The capture in `view`, which begins with a section header, or why it is none. */
export function read(view: DataView): Capture | Malformed {
  const length = view.byteLength;
  if (length < 28) return malformed("pcapng", "section", length, "at least 28 bytes", `${length}`);
  let little = true;
  /** By interface: time units in a second. */
  let resolutions: bigint[] = [];
  let at = 0;
  let ended = false;

  function block(): Packet | Malformed | null {
    const left = length - at;
    if (left < 12) return malformed("pcapng", "block", at, "at least 12 bytes", `${left}`);
    if (view.getUint32(at) === SECTION) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8) !== BYTE_ORDER) {
        const got = view.getUint32(at + 8).toString(16);
        return malformed("pcapng", "byte order", at + 8, "1a2b3c4d in either order", got);
      }
      resolutions = [];
    }
    const type = view.getUint32(at, little);
    const size = view.getUint32(at + 4, little);
    if (size < 12 || size % 4 !== 0 || size > left) {
      const rule = `a multiple of 4 from 12 to the ${left} bytes left`;
      return malformed("pcapng", "block length", at + 4, rule, `${size}`);
    }
    const start = at;
    at += size;
    if (type === INTERFACE) return describeInterface(start, size);
    if (type === ENHANCED_PACKET) return enhanced(start, size);
    return type === SIMPLE_PACKET ? simple(start, size) : null;
  }

  function describeInterface(start: number, size: number): Malformed | null {
    if (size < 20) return malformed("pcapng", "interface", start, "at least 20 bytes", `${size}`);
    const linktype = view.getUint16(start + 8, little);
    if (linktype !== LINKTYPE_ETHERNET) {
      return malformed("pcapng", "link type", start + 8, "1 (Ethernet)", `${linktype}`);
    }
    let exponent = MICROSECONDS;
    const end = start + size - 4;
    for (let option = start + 16; option + 4 < end;) {
      const code = view.getUint16(option, little);
      if (code === OPTION_END) break;
      if (code === OPTION_RESOLUTION) exponent = view.getUint8(option + 4);
      option += 4 + Math.ceil(view.getUint16(option + 2, little) / 4) * 4;
    }
    resolutions.push(exponent < 128 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent - 128));
    return null;
  }

  function enhanced(start: number, size: number): Packet | Malformed {
    if (size < 32) return malformed("pcapng", "packet", start, "at least 32 bytes", `${size}`);
    const from = view.getUint32(start + 8, little);
    const resolution = resolutions[from];
    if (resolution === undefined) {
      const rule = `one of the ${resolutions.length} interfaces described`;
      return malformed("pcapng", "interface", start + 8, rule, `${from}`);
    }
    const high = BigInt(view.getUint32(start + 12, little));
    const time = (high << 32n) | BigInt(view.getUint32(start + 16, little));
    const captured = view.getUint32(start + 20, little);
    const packet = {
      seconds: Number(time / resolution),
      nanoseconds: Number(((time % resolution) * 1_000_000_000n) / resolution),
      offset: start + 28,
      captured,
      length: view.getUint32(start + 24, little),
    };
    return fits(packet, start + 20, size - 32);
  }

  /** A simple packet has no time and no captured length of its own. */
  function simple(start: number, size: number): Packet | Malformed {
    if (size < 16) return malformed("pcapng", "packet", start, "at least 16 bytes", `${size}`);
    const wire = view.getUint32(start + 8, little);
    const captured = Math.min(wire, size - 16);
    const packet = { seconds: 0, nanoseconds: 0, offset: start + 12, captured, length: wire };
    return fits(packet, start + 8, size - 16);
  }

  return {
    format: "pcapng",
    next(): Packet | Malformed | null {
      while (!ended && at < length) {
        const found = block();
        if (found === null) continue;
        ended = isMalformed(found);
        return found;
      }
      return null;
    },
  };
}

function fits(packet: Packet, field: number, room: number): Packet | Malformed {
  const most = Math.min(room, packet.length, LARGEST);
  if (packet.captured <= most) return packet;
  return malformed("pcapng", "captured length", field, `at most ${most}`, `${packet.captured}`);
}
