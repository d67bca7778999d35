//  0      4        8           length − 4
// +------+--------+---- … ----+--------+
// | type | length | body      | length |    every block; the length is a multiple of 4
// +------+--------+---- … ----+--------+
// The newer capture format (draft-ietf-opsawg-pcapng), as Wireshark writes it: read, not written.
// A section header tells the byte order, an interface its link type and the unit of its times. Enhanced packets,
// simple ones and those of the block that came before both (type 2) are read; what else the specification names is
// left out, and what it doesn't name is counted.

import type { ByteWindow } from "./byte_window.ts";
import { type Capture, MORE, type Packet } from "./capture.ts";
import { isMalformed, type Malformed, malformed } from "./malformed.ts";
import { LARGEST } from "./pcap.ts";

/** The section header's type; the same in both byte orders. */
export const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** Names, statistics, a journal's entries, secrets, what the program or its user put there: nothing on the wire. */
const OTHERS: readonly number[] = [SECTION, 4, 5, 9, 10, 0xbad, 0x4000_0bad];

const BYTE_ORDER = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_RESOLUTION = 9;
const OPTION_OFFSET = 14;
const MICROSECONDS = 6;
const SECTION_LENGTH = 28;
/** Of a block: its two fixed fields and the length behind its body. */
const LEAST = 12;
/** Of an interface's block as much is looked at: its options stand behind each other. */
const MOST_OPTIONS = 65_536;

interface Described {
  readonly number: number;
  readonly linktype: number;
  /** Bytes of a packet that are kept at most; 0: all. */
  readonly snaplen: number;
  /** Time units in a second. */
  readonly resolution: bigint;
  /** Seconds to add to each time. */
  readonly offset: number;
}

/** The capture in `window`, which begins with a section header, or why it is none. */
export function open(window: ByteWindow): Capture | Malformed | typeof MORE {
  const { left } = window;
  if (left < SECTION_LENGTH) {
    if (!window.ended) return MORE;
    return malformed("pcapng", "section", left, `at least ${SECTION_LENGTH} bytes`, `${left}`);
  }
  const reader = new Reader(window);
  return { format: "pcapng", unknownBlocks: reader.unknownBlocks, next: () => reader.next() };
}

class Reader {
  readonly unknownBlocks = new Map<number, number>();
  private readonly window: ByteWindow;
  private little = true;
  private interfaces: Described[] = [];
  /** Interfaces of the sections before. */
  private before = 0;
  private ended = false;
  /** Where the file's present block says how long it is, and what it says. */
  private sizeAt = 0;
  private size = 0;

  constructor(window: ByteWindow) {
    this.window = window;
  }

  next(): Packet | Malformed | typeof MORE | null {
    const { window } = this;
    while (!this.ended) {
      if (window.ended && window.missing > 0) return this.end(this.tooLong(window.missing));
      if (window.left === 0 && window.ended) return null;
      const found = this.block();
      if (found === MORE && window.ended) return this.end(this.tooLong());
      if (found === null) continue;
      return isDamage(found) ? this.end(found) : found;
    }
    return null;
  }

  private end(damage: Malformed): Malformed {
    this.ended = true;
    return damage;
  }

  /** The block ends behind the file, by `missing` bytes of which there are none. */
  private tooLong(missing = 0): Malformed {
    const there = missing > 0 ? this.size - missing : this.window.left;
    const rule = this.window.ended
      ? `a multiple of 4 from ${LEAST} to the ${there} bytes left`
      : `a multiple of 4 from ${LEAST} on`;
    return malformed("pcapng", "block length", this.sizeAt, rule, `${this.size}`);
  }

  /** A packet, what is wrong, MORE where less than it takes is here, or null for a block without a packet. */
  private block(): Packet | Malformed | typeof MORE | null {
    const { window } = this;
    const { view, base, left, offset } = window;
    if (left < LEAST) {
      if (!window.ended) return MORE;
      return malformed("pcapng", "block", offset, `at least ${LEAST} bytes`, `${left}`);
    }
    if (view.getUint32(base) === SECTION) {
      const little = view.getUint32(base + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(base + 8) !== BYTE_ORDER) {
        const got = view.getUint32(base + 8).toString(16);
        return malformed("pcapng", "byte order", offset + 8, "1a2b3c4d in either order", got);
      }
      this.little = little;
      this.before += this.interfaces.length;
      this.interfaces = [];
    }
    const type = view.getUint32(base, this.little);
    this.size = view.getUint32(base + 4, this.little);
    this.sizeAt = offset + 4;
    if (this.size < LEAST || this.size % 4 !== 0) return this.tooLong();
    if (type === INTERFACE) return this.describeInterface();
    if (type === ENHANCED_PACKET || type === OBSOLETE_PACKET) {
      return this.packet(type === ENHANCED_PACKET);
    }
    if (type === SIMPLE_PACKET) return this.simple();
    if (!OTHERS.includes(type)) {
      this.unknownBlocks.set(type, (this.unknownBlocks.get(type) ?? 0) + 1);
    }
    window.skip(this.size);
    return null;
  }

  private describeInterface(): Malformed | typeof MORE | null {
    const { window, little, size } = this;
    const { view, base } = window;
    if (size < 20) return this.short("interface", 20);
    const looked = Math.min(size - 4, MOST_OPTIONS);
    if (window.left < looked) return MORE;
    let exponent = MICROSECONDS;
    let offset = 0;
    const end = base + looked;
    for (let option = base + 16; option + 4 < end;) {
      const code = view.getUint16(option, little);
      const length = view.getUint16(option + 2, little);
      if (code === OPTION_END) break;
      if (code === OPTION_RESOLUTION) exponent = view.getUint8(option + 4);
      if (code === OPTION_OFFSET && length === 8 && option + 12 <= end) {
        offset = Number(view.getBigInt64(option + 4, little));
      }
      option += 4 + Math.ceil(length / 4) * 4;
    }
    this.interfaces.push({
      number: this.before + this.interfaces.length,
      linktype: view.getUint16(base + 8, little),
      snaplen: view.getUint32(base + 12, little),
      resolution: exponent < 128 ? 10n ** BigInt(exponent) : 2n ** BigInt(exponent - 128),
      offset,
    });
    window.skip(size);
    return null;
  }

  /** The older block has 16 bits of interface, and 16 that count drops, where the newer has 32 bits of it. */
  private packet(enhanced: boolean): Packet | Malformed | typeof MORE {
    const { window, little, size } = this;
    const { view, base, offset } = window;
    if (size < 32) return this.short("packet", 32);
    if (window.left < 28) return MORE;
    const number = enhanced ? view.getUint32(base + 8, little) : view.getUint16(base + 8, little);
    const from = this.interfaces[number];
    if (from === undefined) return this.undescribed(number);
    const captured = view.getUint32(base + 20, little);
    const length = view.getUint32(base + 24, little);
    const misfit = fits(captured, length, offset + 20, size - 32);
    if (misfit !== null) return misfit;
    if (window.left < this.needed(28 + captured)) return MORE;
    const high = BigInt(view.getUint32(base + 12, little));
    const time = (high << 32n) | BigInt(view.getUint32(base + 16, little));
    window.skip(size);
    return {
      seconds: Number(time / from.resolution) + from.offset,
      nanoseconds: Number(((time % from.resolution) * 1_000_000_000n) / from.resolution),
      view,
      offset: base + 28,
      captured,
      length,
      linktype: from.linktype,
      interface: from.number,
      sent: null,
    };
  }

  /** A simple packet is the first interface's and has no time and no captured length of its own. */
  private simple(): Packet | Malformed | typeof MORE {
    const { window, little, size } = this;
    const { view, base, offset } = window;
    if (size < 16) return this.short("packet", 16);
    const [from] = this.interfaces;
    if (from === undefined) return this.undescribed(0);
    const length = view.getUint32(base + 8, little);
    const kept = from.snaplen === 0 ? length : Math.min(length, from.snaplen);
    const captured = Math.min(kept, size - 16);
    const misfit = fits(captured, length, offset + 8, size - 16);
    if (misfit !== null) return misfit;
    if (window.left < this.needed(12 + captured)) return MORE;
    window.skip(size);
    const { linktype, number } = from;
    return {
      seconds: 0,
      nanoseconds: 0,
      view,
      offset: base + 12,
      captured,
      length,
      linktype,
      interface: number,
      sent: null,
    };
  }

  /** The whole block, but for more options behind a packet that ends at `end` than anyone writes. */
  private needed(end: number): number {
    return Math.min(this.size, end + MOST_OPTIONS);
  }

  private short(field: string, least: number): Malformed {
    const at = this.window.offset;
    return malformed("pcapng", field, at, `at least ${least} bytes`, `${this.size}`);
  }

  private undescribed(number: number): Malformed {
    const rule = `one of the ${this.interfaces.length} interfaces described`;
    return malformed("pcapng", "interface", this.window.offset + 8, rule, `${number}`);
  }
}

function isDamage(found: Packet | Malformed | typeof MORE): found is Malformed {
  return found !== MORE && isMalformed(found);
}

function fits(captured: number, length: number, field: number, room: number): Malformed | null {
  const most = Math.min(room, length, LARGEST);
  if (captured <= most) return null;
  return malformed("pcapng", "captured length", field, `at most ${most}`, `${captured}`);
}
