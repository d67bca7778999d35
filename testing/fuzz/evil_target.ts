// A target that answers as no target should: too short, too long, twice, late, with a wrong tag, from
// another address, with counts out of range, without being asked. And now and then right, or nothing
// would come of it.
//
// Data that a rule allows the initiator to take are full of GOOD, all others of BAD: where a read has
// ended well its caller's memory must hold GOOD alone.

import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { copyOut } from "../../wire/bytes.ts";
import { BROADCAST, isGroup, type Mac, writeMac } from "../../wire/mac.ts";
import type { Random } from "../../words/random.ts";
import { MOST_BYTES } from "./frame_grammar.ts";
import { mutateBytes } from "./mutate.ts";
import { pick } from "./surface.ts";

export const GOOD = 0x60;
export const BAD = 0xbd;

/** A request as it came. */
interface Asked {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tag: number;
  readonly command: number;
  readonly opcode: number;
  readonly count: number;
}

/** Requests that may be answered again or too late; those before are known by their tag alone. */
const MEMORY = 64;

export class EvilTarget {
  /** Frames sent. */
  sent = 0;
  /** Largest buffer count announced so far, as the initiator takes it (P12). */
  bufferCount = 2;
  /** 0 … 100: how often it answers as it should. */
  honesty: number;
  private readonly link: Link;
  private readonly random: Random;
  private readonly buffer: TxBuffer;
  private readonly asked: Asked[] = [];
  private readonly byTag = new Map<number, Asked>();
  private readonly major: number;
  private readonly minor: number;

  constructor(link: Link, random: Random, major: number, minor: number, honesty: number) {
    const buffer = link.allocate(MOST_BYTES);
    if (buffer === null) throw new Error("invariant: a link has room for one buffer");
    this.buffer = buffer;
    this.link = link;
    this.random = random;
    this.major = major;
    this.minor = minor;
    this.honesty = honesty;
  }

  readonly visit = ({ view, base, length }: FrameView): void => {
    if (length < ata.LENGTH || aoe.isResponse(view, base)) return;
    const asked: Asked = {
      bytes: copyOut(view, base, length) as Uint8Array<ArrayBuffer>,
      tag: aoe.tag(view, base),
      command: aoe.command(view, base),
      opcode: ata.command(view, base),
      count: ata.count(view, base),
    };
    this.byTag.set(asked.tag, asked);
    this.asked.push(asked);
    if (this.asked.length > MEMORY) this.asked.shift();
    if (this.random.below(100) < this.honesty) this.send(this.honest(asked));
    else this.misbehave(asked);
  };

  /** Whatever it likes, without being asked. */
  stir(): void {
    const { random } = this;
    const asked = this.asked[random.below(Math.max(1, this.asked.length))];
    if (asked === undefined || random.below(2) === 0) this.send(this.announcement());
    else this.misbehave(asked);
  }

  private misbehave(asked: Asked): void {
    const { random } = this;
    switch (random.below(14)) {
      case 0:
      case 1:
        return;
      case 2:
      case 3:
      case 4:
      case 5: {
        const bytes = mutateBytes(this.honest(asked), random, 4);
        this.send(bytes);
        return;
      }
      case 6: {
        // Cut, or longer than it should be.
        const bytes = this.honest(asked);
        const length = random.below(bytes.length + 1);
        if (random.below(3) > 0) this.send(bytes.slice(0, length));
        else this.send(lengthened(bytes, random.below(pick(random, [600, 600, MOST_BYTES]))));
        return;
      }
      case 7: {
        const bytes = this.honest(asked);
        new DataView(bytes.buffer).setUint32(
          aoe.TAG,
          pick(random, [0, asked.tag + 1, random.next()]),
        );
        this.send(bytes);
        return;
      }
      case 8: {
        const bytes = this.honest(asked);
        bytes[aoe.VERSION_FLAGS] = 0x1c;
        bytes[aoe.ERROR] = random.below(8);
        this.send(bytes);
        return;
      }
      case 9: {
        const bytes = this.honest(asked);
        if (asked.command === aoe.COMMAND_ATA) {
          bytes[ata.COMMAND] = pick(random, [0x41, 0x80, 0x08, 0x20, random.below(256)]);
        }
        this.send(bytes);
        return;
      }
      case 10: {
        const bytes = this.honest(asked);
        const times = 2 + random.below(40);
        for (let time = 0; time < times; time++) this.send(bytes);
        return;
      }
      case 11:
        // The request itself comes back, or an older one's answer.
        if (random.below(2) === 0) this.send(asked.bytes.slice());
        else this.send(this.honest(this.asked[random.below(this.asked.length)] ?? asked));
        return;
      case 12: {
        const times = 1 + random.below(20);
        for (let time = 0; time < times; time++) this.send(this.announcement());
        return;
      }
      default: {
        const bytes = new Uint8Array(
          14 + random.below(pick(random, [1500, 1500, MOST_BYTES - 13])),
        );
        for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
        this.send(bytes);
      }
    }
  }

  /** The answer that the request deserves; an IDENTIFY sector is nonsense or not. */
  private honest(asked: Asked): Uint8Array<ArrayBuffer> {
    const { random, link } = this;
    if (asked.command === aoe.COMMAND_CONFIG) return this.configAnswer(asked.tag);
    const data =
      asked.command === aoe.COMMAND_ATA
        ? (ata.answerDataLength(asked.opcode, 0, 0, asked.count) ?? 0)
        : random.below(200);
    const head = asked.command === aoe.COMMAND_ATA ? ata.LENGTH : aoe.LENGTH;
    const bytes = new Uint8Array(Math.max(60, head + data)) as Uint8Array<ArrayBuffer>;
    bytes.set(asked.bytes.subarray(0, Math.min(head, asked.bytes.length)));
    bytes.set(asked.bytes.subarray(6, 12), 0);
    writeMac(viewOf(bytes), 6, link.mac);
    bytes[aoe.VERSION_FLAGS] = 0x18;
    bytes[aoe.ERROR] = 0;
    if (asked.command !== aoe.COMMAND_ATA) return bytes;
    bytes[ata.FEATURE] = 0;
    bytes[ata.COMMAND] = ata.STATUS_DRDY;
    if (asked.opcode !== ata.IDENTIFY) return bytes;
    for (let at = ata.LENGTH; at < ata.LENGTH + 512; at++) {
      bytes[at] = random.below(4) === 0 ? random.below(256) : 0;
    }
    if (random.below(2) === 0) {
      const view = viewOf(bytes);
      // A disk of a size, with LBA48 or without.
      view.setUint16(ata.LENGTH + 2 * 49, 0x0200, true);
      view.setUint32(ata.LENGTH + 2 * 60, random.below(2 ** 28), true);
      view.setUint16(ata.LENGTH + 2 * 83, pick(random, [0x7400, 0x4000, 0xffff]), true);
      view.setUint32(ata.LENGTH + 2 * 100, random.next(), true);
      view.setUint32(ata.LENGTH + 2 * 102, pick(random, [0, 1, random.next()]), true);
    }
    return bytes;
  }

  /** A config answer to nobody: of this device or of another, sane or not. */
  private announcement(): Uint8Array<ArrayBuffer> {
    const { random } = this;
    const bytes = this.configAnswer(pick(random, [0, 0, random.next()]));
    const view = viewOf(bytes);
    if (random.below(3) === 0) writeMac(view, 0, BROADCAST);
    if (random.below(4) === 0) {
      writeMac(view, 6, pick(random, [0, BROADCAST, 0x0200_0000_0b00 + random.below(4)]));
    }
    if (random.below(6) === 0)
      view.setUint16(aoe.MAJOR, pick(random, [aoe.ANY_MAJOR, random.below(8)]));
    if (random.below(6) === 0)
      view.setUint8(aoe.MINOR, pick(random, [aoe.ANY_MINOR, random.below(8)]));
    return random.below(3) === 0 ? mutateBytes(bytes, random, 3) : bytes;
  }

  configAnswer(tag: number, honest = false): Uint8Array<ArrayBuffer> {
    const { random, link } = this;
    const string = honest ? 0 : pick(random, [0, 0, 1, 40, 1024]);
    const bytes = new Uint8Array(Math.max(60, config.LENGTH + string)) as Uint8Array<ArrayBuffer>;
    const view = viewOf(bytes);
    const count = honest ? 16 : pick(random, [0, 1, 2, 16, 64, 0xffff, random.below(0x1_0000)]);
    const sectors = honest ? 2 : pick(random, [0, 1, 2, 17, 255, random.below(256)]);
    ethernet.write(view, 0, BROADCAST, link.mac);
    aoe.write(view, 0, aoe.FLAG_RESPONSE, 0, this.major, this.minor, aoe.COMMAND_CONFIG, tag);
    const said = !honest && random.below(8) === 0 ? random.below(0x1_0000) : string;
    config.write(view, 0, count, random.below(0x1_0000), sectors, config.READ, said);
    this.bufferCount = Math.max(this.bufferCount, count);
    return bytes;
  }

  /** Puts it on the wire with the data that it deserves. */
  send(bytes: Uint8Array<ArrayBuffer>): void {
    if (bytes.length < ethernet.LENGTH || bytes.length > this.buffer.bytes.length) return;
    // Who mutates a count must be believed in no more than he says.
    if (bytes.length >= config.LENGTH) {
      const count = config.bufferCount(viewOf(bytes), 0);
      if (bytes[aoe.COMMAND] === aoe.COMMAND_CONFIG) {
        this.bufferCount = Math.max(this.bufferCount, count);
      }
    }
    const asked = this.byTag.get(tagOf(bytes));
    // A tag that is not out yet may be by the time the frame arrives.
    const reads =
      asked === undefined || (asked.command === aoe.COMMAND_ATA && ata.isRead(asked.opcode));
    if (reads && bytes.length > ata.LENGTH) {
      bytes.fill(asked === undefined || this.isAllowed(bytes, asked) ? GOOD : BAD, ata.LENGTH);
    }
    this.buffer.bytes.set(bytes);
    if (this.link.transmit(this.buffer, bytes.length)) this.sent++;
  }

  /** Whether the initiator may take `bytes` as the answer to `asked`, a read. */
  private isAllowed(bytes: Uint8Array, asked: Asked): boolean {
    if (bytes.length < ata.LENGTH + asked.count * ata.SECTOR) return false;
    const view = viewOf(bytes);
    const source: Mac = ethernet.source(view, 0);
    return (
      ethernet.type(view, 0) === ethernet.ETHERTYPE_AOE &&
      source !== 0 &&
      !isGroup(source) &&
      aoe.version(view, 0) === aoe.VERSION &&
      aoe.isResponse(view, 0) &&
      !aoe.isError(view, 0) &&
      aoe.major(view, 0) === this.major &&
      aoe.minor(view, 0) === this.minor &&
      aoe.command(view, 0) === asked.command &&
      (ata.status(view, 0) & ata.STATUS_FAILED) === 0
    );
  }
}

function lengthened(bytes: Uint8Array, by: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length + by).fill(0x77);
  out.set(bytes);
  return out;
}

function tagOf(bytes: Uint8Array): number {
  return bytes.length >= aoe.LENGTH ? aoe.tag(viewOf(bytes), 0) : -1;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
