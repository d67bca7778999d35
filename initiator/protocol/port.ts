// The initiator's end of one link: what is counted there, and the small buffers for questions that
// belong to no device.

import type { Link, TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";

/** Frames that were received and led to nothing, by reason. */
export interface IgnoredFrames {
  /** Shorter than their headers. */
  tooShort: number;
  /** For another host, or not AoE, or not version 1. */
  notForUs: number;
  /** From a group address or from zero (P32). */
  badSource: number;
  /** Requests: those of other initiators. */
  requests: number;
  /** Answers to a tag that is not out and never was, lately. */
  unknownTag: number;
  /** Second answers, or answers that came after their command had ended. */
  stale: number;
  /** Answers that contradict their request: address, command, length. */
  contradictory: number;
  /** Frames that met a fault of ours. */
  faults: number;
  /** Answers from an address that is none of the device's. */
  foreign: number;
}

/** Questions that may be under way on a link that releases late. */
const QUESTIONS = 4;

export class PortState {
  readonly link: Link;
  readonly index: number;
  readonly ignored: IgnoredFrames = {
    tooShort: 0,
    notForUs: 0,
    badSource: 0,
    requests: 0,
    unknownTag: 0,
    stale: 0,
    contradictory: 0,
    faults: 0,
    foreign: 0,
  };
  /** A question that found no buffer or no room on the link. */
  unasked = 0;
  private readonly buffers: TxBuffer[] = [];

  constructor(link: Link, index: number) {
    this.link = link;
    this.index = index;
  }

  /** Sends a config read; false: not now. */
  askConfig(to: Mac, major: number, minor: number, tag: number): boolean {
    const buffer = this.idleBuffer();
    if (buffer === null) return this.miss();
    const { view } = buffer;
    this.writeHeaders(view, to, major, minor, aoe.COMMAND_CONFIG, tag);
    config.write(view, 0, 0, 0, 0, config.READ, 0);
    return this.send(buffer, config.LENGTH);
  }

  /** Asks for the IDENTIFY sector; false: not now. */
  askIdentify(to: Mac, major: number, minor: number, tag: number): boolean {
    const buffer = this.idleBuffer();
    if (buffer === null) return this.miss();
    const { view } = buffer;
    this.writeHeaders(view, to, major, minor, aoe.COMMAND_ATA, tag);
    return this.send(buffer, ata.writeIdentify(view, 0));
  }

  private writeHeaders(
    view: DataView,
    to: Mac,
    major: number,
    minor: number,
    command: number,
    tag: number,
  ): void {
    ethernet.write(view, 0, to, this.link.mac);
    aoe.write(view, 0, 0, 0, major, minor, command, tag);
  }

  private send(buffer: TxBuffer, length: number): boolean {
    return this.link.transmit(buffer, ethernet.pad(buffer.view, 0, length)) || this.miss();
  }

  private miss(): boolean {
    this.unasked++;
    return false;
  }

  private idleBuffer(): TxBuffer | null {
    for (const buffer of this.buffers) if (buffer.pins === 0) return buffer;
    if (this.buffers.length >= QUESTIONS) return null;
    const buffer = this.link.allocate(ethernet.SHORTEST);
    if (buffer !== null) this.buffers.push(buffer);
    return buffer;
  }

  /** Frees what is idle; true: nothing is left. */
  close(): boolean {
    for (let index = this.buffers.length - 1; index >= 0; index--) {
      const buffer = this.buffers[index] as TxBuffer;
      if (buffer.pins > 0) continue;
      this.link.free(buffer);
      this.buffers.splice(index, 1);
    }
    return this.buffers.length === 0;
  }
}
