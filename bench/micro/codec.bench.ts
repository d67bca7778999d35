// What the codec costs for a request and its answer, both ends together: the initiator writes the request's
// headers, the target reads every field that it judges and writes the answer's, the initiator reads those.
//
//   initiator            request memory              target               answer memory
//   ethernet, aoe, ata ──▶ [ 36 bytes ] ──▶ ethernet, aoe, ata │ ethernet, aoe, ata ──▶ [ 36 bytes ] ──▶ initiator
//
// The data of reads and writes are copied, not coded: they are no part of it. Every field read is compared
// or written on, so that no compiler can leave one out.

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { BROADCAST } from "../../wire/mac.ts";
import type { MicroCase } from "./micro_case.ts";

const INITIATOR = 0x0200_0000_00a0;
const TARGET = 0x0200_0000_00b0;
const MAJOR = 7;
const MINOR = 3;
const SECTORS = 8;
const BUFFERS = 64;

/** A request and its answer in memory of their own. */
export class Exchange {
  readonly request = new DataView(new ArrayBuffer(ethernet.SHORTEST));
  readonly answer = new DataView(new ArrayBuffer(ethernet.SHORTEST));
  /** Of all answers that were what their requests asked for. */
  matched = 0;

  /** A read or write by 48 bits; `tag` and `lba` as given. */
  ata(opcode: number, flags: number, tag: number, lba: number): void {
    const { request } = this;
    ethernet.write(request, 0, TARGET, INITIATOR);
    aoe.write(request, 0, 0, 0, MAJOR, MINOR, aoe.COMMAND_ATA, tag);
    ata.write(request, 0, flags, 0, SECTORS, opcode, lba);
    if (this.answerAta()) this.matchAta(tag, lba);
  }

  private answerAta(): boolean {
    const { request, answer } = this;
    if (ethernet.type(request, 0) !== ethernet.ETHERTYPE_AOE || aoe.isResponse(request, 0)) {
      return false;
    }
    const source = ethernet.source(request, 0);
    if (source === 0 || aoe.version(request, 0) !== aoe.VERSION) return false;
    const major = aoe.major(request, 0);
    const minor = aoe.minor(request, 0);
    const command = aoe.command(request, 0);
    if (command !== aoe.COMMAND_ATA) return false;
    const tag = aoe.tag(request, 0);
    const flags = ata.flags(request, 0);
    const feature = ata.feature(request, 0);
    const count = ata.count(request, 0);
    const opcode = ata.command(request, 0);
    const lba = ata.isExtended(opcode) ? ata.lba48(request, 0) : ata.lba28(request, 0);
    ethernet.write(answer, 0, source, TARGET);
    aoe.write(answer, 0, aoe.FLAG_RESPONSE, 0, major, minor, command, tag);
    ata.write(answer, 0, flags, feature, count, ata.STATUS_DRDY, lba);
    return true;
  }

  private matchAta(tag: number, lba: number): void {
    const { answer } = this;
    const good =
      ethernet.source(answer, 0) === TARGET &&
      ethernet.type(answer, 0) === ethernet.ETHERTYPE_AOE &&
      aoe.isResponse(answer, 0) &&
      !aoe.isError(answer, 0) &&
      aoe.tag(answer, 0) === tag &&
      aoe.major(answer, 0) === MAJOR &&
      aoe.minor(answer, 0) === MINOR &&
      aoe.command(answer, 0) === aoe.COMMAND_ATA &&
      (ata.status(answer, 0) & ata.STATUS_FAILED) === 0 &&
      ata.count(answer, 0) === SECTORS &&
      ata.lba48(answer, 0) === lba;
    if (good) this.matched++;
  }

  /** Discovery: a broadcast question for the config string, answered without one. */
  config(tag: number): void {
    const { request, answer } = this;
    ethernet.write(request, 0, BROADCAST, INITIATOR);
    aoe.write(request, 0, 0, 0, aoe.ANY_MAJOR, aoe.ANY_MINOR, aoe.COMMAND_CONFIG, tag);
    config.write(request, 0, 0, 0, 0, config.READ, 0);
    if (aoe.command(request, 0) !== aoe.COMMAND_CONFIG) return;
    if (config.command(request, 0) !== config.READ) return;
    ethernet.write(answer, 0, ethernet.source(request, 0), TARGET);
    aoe.write(
      answer,
      0,
      aoe.FLAG_RESPONSE,
      0,
      MAJOR,
      MINOR,
      aoe.COMMAND_CONFIG,
      aoe.tag(request, 0),
    );
    config.write(answer, 0, BUFFERS, 0, SECTORS, config.command(request, 0), 0);
    const good =
      aoe.isResponse(answer, 0) &&
      aoe.tag(answer, 0) === tag &&
      aoe.major(answer, 0) === MAJOR &&
      aoe.minor(answer, 0) === MINOR &&
      config.bufferCount(answer, 0) === BUFFERS &&
      config.sectorCount(answer, 0) === SECTORS &&
      config.stringLength(answer, 0) === 0 &&
      ethernet.source(answer, 0) === TARGET;
    if (good) this.matched++;
  }
}

/** Sector numbers beyond 32 bits among them. */
const lbaOf = (call: number): number => (call & 0xffff) * 0x10_0001;
const tagOf = (call: number): number => (call | 0x8000_0000) >>> 0;

const WRITE_FLAGS = ata.FLAG_EXTENDED | ata.FLAG_WRITE;

interface CodecCase extends MicroCase {
  readonly make: (on?: Exchange) => (call: number) => void;
}

export const CODEC_CASES: readonly CodecCase[] = [
  {
    name: "codec read",
    about: "headers of a read request and its answer written and read, both ends",
    bar_ns: 60,
    make: (on: Exchange = new Exchange()) => {
      return (call) => on.ata(ata.READ_EXT, ata.FLAG_EXTENDED, tagOf(call), lbaOf(call));
    },
  },
  {
    name: "codec write",
    about: "the same of a write",
    make: (on: Exchange = new Exchange()) => {
      return (call) => on.ata(ata.WRITE_EXT, WRITE_FLAGS, tagOf(call), lbaOf(call));
    },
  },
  {
    name: "codec config",
    about: "the same of a discovery",
    make: (on: Exchange = new Exchange()) => {
      return (call) => on.config(tagOf(call));
    },
  },
];
