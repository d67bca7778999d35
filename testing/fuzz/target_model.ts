// What the rules say a target answers, written a second time and as plainly as can be: whole frames as
// arrays, lists as arrays, no slots, no time but the window of P28. The fuzzed target must send exactly
// these bytes and hold exactly this state. It is for one export without a service model.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { BROADCAST, isGroup, type Mac, readMac, writeMac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { toHex } from "./surface.ts";

export interface ModelOptions {
  readonly major: number;
  readonly minor: number;
  readonly sectors: number;
  readonly mtu: number;
  readonly bufferCount: number;
  readonly firmware: number;
  /** The target's interfaces, in order; the frames' sender is at another end of the same wire. */
  readonly ports: readonly Mac[];
  readonly identify: Uint8Array;
}

/** An answer behind its AoE header. */
interface Reply {
  readonly error: number;
  readonly body: Uint8Array;
}

/** What happened, for a late copy (P28): the state of now is told with it. */
interface Outcome {
  readonly reply: () => Reply;
}

interface Remembered extends Outcome {
  readonly key: string;
  readonly at: number;
}

/** P28's window, ns. */
const WINDOW = 2e9;
const FAILED = ata.STATUS_ERR | ata.STATUS_DRDY;

export class TargetModel {
  config = new Uint8Array(0);
  masks: Mac[] = [];
  reservation: Mac[] = [];
  readonly store: Uint8Array;
  private readonly options: ModelOptions;
  private readonly remembered: Remembered[][];

  constructor(options: ModelOptions) {
    this.options = options;
    this.store = new Uint8Array(options.sectors * 512);
    this.remembered = options.ports.map(() => []);
  }

  /** The answers to a frame that is sent at `now`, in the order of the target's interfaces. */
  answers(bytes: Uint8Array, now: number): Uint8Array[] {
    const to = readMac(viewOf(bytes), 0);
    const answers: Uint8Array[] = [];
    this.options.ports.forEach((mac, port) => {
      if (to !== mac && to !== BROADCAST && !isGroup(to)) return;
      const answer = this.one(bytes, port, mac, now);
      // What claims to come from the target itself is answered to itself, where the sender hears nothing.
      if (answer !== null && !this.options.ports.includes(readMac(viewOf(answer), 0))) {
        answers.push(answer);
      }
    });
    return answers;
  }

  private one(bytes: Uint8Array, port: number, own: Mac, now: number): Uint8Array | null {
    const { major, minor } = this.options;
    const view = viewOf(bytes);
    const { length } = bytes;
    if (length < 14 || view.getUint16(12) !== 0x88a2) return null;
    // P3, P30
    if (length > 14 && (view.getUint8(14) & 0x08) !== 0) return null;
    if (length < 24) return null;
    // P32
    const source = readMac(view, 6);
    if (source === 0 || isGroup(source)) return null;
    // P4
    const toMajor = view.getUint16(16);
    const toMinor = view.getUint8(18);
    if (toMajor !== major && toMajor !== 0xffff) return null;
    if (toMinor !== minor && toMinor !== 0xff) return null;
    // P17
    if (this.masks.length > 0 && !this.masks.includes(source)) return null;
    // P7
    if (view.getUint8(14) >> 4 !== 1) {
      if (readMac(view, 0) !== own) return null;
      return this.frame(bytes, own, { error: 5, body: new Uint8Array(0) });
    }
    // P8
    const command = view.getUint8(19);
    if (command > 3) return this.frame(bytes, own, { error: 1, body: new Uint8Array(0) });
    // P30
    if (length < ([36, 32, 28, 26][command] as number)) return null;
    // P33
    const changes = this.changes(command, view);
    const wildcard = toMajor === 0xffff || toMinor === 0xff;
    if (changes && wildcard) return null;
    if (!changes) {
      const outcome = this.carryOut(command, bytes, source);
      return outcome === null ? null : this.frame(bytes, own, outcome.reply());
    }
    // P28
    const key = `${source} ${toHex(bytes.subarray(16, this.ownLength(command, view, length)))}`;
    const remembered = this.remembered[port] as Remembered[];
    const before = remembered.find((each) => each.key === key && now - each.at <= WINDOW);
    if (before !== undefined) return this.frame(bytes, own, before.reply());
    const outcome = this.carryOut(command, bytes, source);
    if (outcome === null) return null;
    remembered.push({ ...outcome, key, at: now });
    return this.frame(bytes, own, outcome.reply());
  }

  /** P5, P18, P31. */
  private frame(asked: Uint8Array, own: Mac, { error, body }: Reply): Uint8Array {
    const bytes = new Uint8Array(Math.max(60, 24 + body.length));
    const view = viewOf(bytes);
    bytes.set(asked.subarray(6, 12), 0);
    writeMac(view, 6, own);
    view.setUint16(12, 0x88a2);
    view.setUint8(14, 0x18 | (error === 0 ? 0 : 0x4));
    view.setUint8(15, error);
    view.setUint16(16, this.options.major);
    view.setUint8(18, this.options.minor);
    bytes.set(asked.subarray(19, 24), 19);
    bytes.set(body, 24);
    return bytes;
  }

  private changes(command: number, view: DataView): boolean {
    if (command === 0) return [0x30, 0x34].includes(view.getUint8(27));
    if (command === 1) return [3, 4].includes(view.getUint8(29) & 0xf);
    if (command === 2) return view.getUint8(25) === 1;
    return [1, 2].includes(view.getUint8(24));
  }

  /** P18: what the headers say, without padding. */
  private ownLength(command: number, view: DataView, length: number): number {
    if (command === 0) return Math.min(length, 36 + 512 * view.getUint8(26));
    if (command === 1) return Math.min(length, 32 + view.getUint16(30));
    if (command === 2) return Math.min(length, 28 + 8 * view.getUint8(27));
    return Math.min(length, 26 + 6 * view.getUint8(25));
  }

  private carryOut(command: number, bytes: Uint8Array, source: Mac): Outcome | null {
    if (command === 0) return this.ata(bytes, source);
    if (command === 1) return this.query(bytes);
    return command === 2 ? this.mask(bytes) : this.reserve(bytes, source);
  }

  // P14–P16, P21–P27

  private ata(bytes: Uint8Array, source: Mac): Outcome {
    const view = viewOf(bytes);
    const flags = view.getUint8(24) & 0x53;
    const feature = view.getUint8(25);
    const count = view.getUint8(26);
    const opcode = view.getUint8(27);
    const registers = ata.lba48(view, 0);
    const extended = opcode !== 0x20 && opcode !== 0x30;
    const lba = extended ? registers : (registers % 2 ** 32) & 0x0fff_ffff;
    const { sectors, mtu } = this.options;
    const most = Math.min(255, Math.floor((mtu - 22) / 512));

    const write = (said: number, register: number, error: number, at: number): Uint8Array => {
      const body = new Uint8Array(12);
      const answer = viewOf(body);
      body.set([flags, error, said, register]);
      answer.setUint32(4, at % 2 ** 32, true);
      answer.setUint16(8, Math.floor(at / 2 ** 32), true);
      return body;
    };
    const constant = (body: Uint8Array, error = 0): Outcome => ({ reply: () => ({ error, body }) });
    const refused = (error: number): Outcome =>
      constant(write(count, opcode, feature, registers), error);
    const failed = (error: number, at: number): Outcome =>
      constant(write(count, FAILED, error, at));
    const good = (data: Uint8Array = new Uint8Array(0), said = count): Outcome => {
      const body = new Uint8Array(12 + data.length);
      body.set(write(said, ata.STATUS_DRDY, 0, registers));
      body.set(data, 12);
      return constant(body);
    };

    const strange = this.reservation.length > 0 && !this.reservation.includes(source);
    if (strange && opcode !== 0xec) return refused(6);
    switch (opcode) {
      case 0x20:
      case 0x24:
      case 0x30:
      case 0x34: {
        const writes = opcode >= 0x30;
        if (count > most) return refused(2);
        if (writes && bytes.length < 36 + count * 512) return refused(2);
        if (count === 0) return good();
        if (lba + count > sectors) return failed(0x10, Math.max(lba, sectors));
        if (!writes) return good(this.store.slice(lba * 512, (lba + count) * 512));
        this.store.set(bytes.subarray(36, 36 + count * 512), lba * 512);
        return good();
      }
      case 0xec:
        return count === 1 ? good(this.options.identify) : refused(2);
      case 0xe7:
      case 0xea:
        return good();
      case 0xe5:
        return good(new Uint8Array(0), 0xff);
      case 0xb0: {
        const key = view.getUint8(29) === 0x4f && view.getUint8(30) === 0xc2;
        return key && (feature === 0xda || feature === 0xd8) ? good() : failed(0x04, lba);
      }
      default:
        return failed(0x04, lba);
    }
  }

  // P9, P10, P29

  private query(bytes: Uint8Array): Outcome | null {
    const view = viewOf(bytes);
    const command = view.getUint8(29) & 0xf;
    const tell = (error: number): Outcome => ({ reply: () => this.tellConfig(command, error) });
    if (command === 0) return tell(0);
    if (command > 4) return tell(2);
    const size = view.getUint16(30);
    if (size > 1024 || 32 + size > bytes.length) return tell(2);
    const said = bytes.slice(32, 32 + size);
    const same = toHex(said) === toHex(this.config);
    if (command === 1) return same ? tell(0) : null;
    if (command === 2) return toHex(this.config).startsWith(toHex(said)) ? tell(0) : null;
    if (command === 3 && this.config.length > 0 && !same) return tell(4);
    if (same) return tell(0);
    if (size > this.options.mtu + 14 - 32) return tell(2);
    this.config = said;
    return tell(0);
  }

  private tellConfig(command: number, error: number): Reply {
    const { bufferCount, firmware, mtu } = this.options;
    const body = new Uint8Array(8 + this.config.length);
    const view = viewOf(body);
    view.setUint16(0, bufferCount);
    view.setUint16(2, firmware);
    view.setUint8(4, Math.min(255, Math.floor((mtu - 22) / 512)));
    view.setUint8(5, 0x10 | command);
    view.setUint16(6, this.config.length);
    body.set(this.config, config.LENGTH - aoe.LENGTH);
    return { error, body };
  }

  // P17, P29

  private mask(bytes: Uint8Array): Outcome {
    const view = viewOf(bytes);
    const command = view.getUint8(25);
    const count = view.getUint8(27);
    const most = Math.min(255, Math.floor((this.options.mtu + 14 - 28) / 8));
    const list = (error: number): Outcome => ({
      reply: () => {
        const told = this.masks.slice(0, most);
        const entries = told.map((mac) => [mask.DIRECTIVE_ADD, mac] as const);
        return { error, body: maskBody(command, 0, entries) };
      },
    });
    if (command === 0) return list(0);
    if (command !== 1 || 28 + 8 * count > bytes.length) return list(2);
    const done: (readonly [number, Mac])[] = [];
    let failure = 0;
    for (let index = 0; index < count; index++) {
      const directive = view.getUint8(28 + 8 * index + 1);
      const mac = readMac(view, 28 + 8 * index + 2);
      const known = this.masks.includes(mac);
      if (directive > 2) failure = 2;
      else if (directive === 1 && !known && this.masks.length >= most) failure = 3;
      if (failure !== 0) break;
      if (directive === 1 && !known) this.masks.push(mac);
      if (directive === 2) this.masks = this.masks.filter((each) => each !== mac);
      done.push([directive, mac]);
    }
    if (failure === 0) return list(0);
    const told = done.slice(0, most);
    return { reply: () => ({ error: 0, body: maskBody(command, failure, told, done.length) }) };
  }

  // P16, P29

  private reserve(bytes: Uint8Array, source: Mac): Outcome {
    const view = viewOf(bytes);
    const command = view.getUint8(24);
    const count = view.getUint8(25);
    const most = Math.min(255, Math.floor((this.options.mtu + 14 - 26) / 6));
    const list = (error: number): Outcome => ({
      reply: () => {
        const told = this.reservation.slice(0, most);
        const body = new Uint8Array(2 + told.length * reserve.MEMBER_LENGTH);
        body.set([command, told.length]);
        for (const [index, mac] of told.entries()) writeMac(viewOf(body), 2 + 6 * index, mac);
        return { error, body };
      },
    });
    if (command === 0) return list(0);
    if (command > 2) return list(2);
    if (count > most || 26 + 6 * count > bytes.length) return list(2);
    const strange = this.reservation.length > 0 && !this.reservation.includes(source);
    if (command === 1 && strange) return list(6);
    this.reservation = Array.from({ length: count }, (_, index) => readMac(view, 26 + 6 * index));
    return list(0);
  }
}

function maskBody(
  command: number,
  failure: number,
  entries: readonly (readonly [number, Mac])[],
  count = entries.length,
): Uint8Array {
  const body = new Uint8Array(4 + 8 * entries.length);
  body.set([0, command, failure, count]);
  entries.forEach(([directive, mac], index) => {
    body[4 + 8 * index + 1] = directive;
    writeMac(viewOf(body), 4 + 8 * index + 2, mac);
  });
  return body;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
