// One initiator's load on one device: `iodepth` commands out at a time, each with memory of its own, chosen
// by the seed. It owns the commands' side of the rules: each ends once, with an outcome that the
// scenario allows, and what a read brought is put before the history.
//
//   writes go to the initiator's own range of the device, reads anywhere
//
//   own range of 0   │ own range of 1   │ …          a copy of a write that its initiator has done with
//                                                    can be kept from undoing its own later writes only

import {
  AOE_ERROR,
  ATA_ERROR,
  CANCELLED,
  Command,
  OK,
  TIMEOUT,
} from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { outcomeCounts, outcomeName } from "../../initiator/protocol/outcomes.ts";
import type { Memory } from "../../link/link.ts";
import { SECTOR } from "../../wire/ata.ts";
import type { Random } from "../../words/random.ts";
import type { History } from "./history.ts";
import type { InitiatorPart, Traits } from "./scenario.ts";
import { readStamp, spoil, stamp, WORDS } from "./sector_stamp.ts";
import type { Trace } from "./trace.ts";
import { Violation } from "./violation.ts";
import { FLUSH, READ, WRITE } from "../../initiator/protocol/operation.ts";

/** What all clients of a run share. */
export interface ClientRules {
  readonly history: History;
  readonly trace: Trace;
  readonly traits: Traits;
  readonly now: () => number;
  /** Before something is submitted or withdrawn from outside the initiator's own iteration. */
  readonly wake: (initiator: number) => void;
  /** Fires `client.fire(slot)` at `at` (ns), of all clients by `base + slot`; Infinity: not. */
  readonly timer: (handle: number, at: number) => void;
  /** A command has ended: events count them. */
  readonly ended: () => void;
}

export interface ClientPlace {
  readonly initiator: number;
  readonly device: number;
  readonly sectors: number;
  /** Its own range: from `first` up to below `end`. */
  readonly first: number;
  readonly end: number;
  /** Handles of its timers: one per slot from here on. */
  readonly base: number;
  readonly random: Random;
}

class Slot implements Memory {
  readonly command = new Command();
  readonly address = 0;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly words: Uint32Array;
  readonly plain: Uint32Array;
  readonly index: number;
  out = false;
  /** The history's moment of a read or flush; the first of a write's numbers, one per sector. */
  began = 0;
  firstWrite = 0;
  withdrawn = false;

  constructor(index: number, span: number) {
    const memory = new ArrayBuffer(span * SECTOR);
    this.index = index;
    this.bytes = new Uint8Array(memory);
    this.view = new DataView(memory);
    this.words = new Uint32Array(memory);
    this.plain = this.words;
    this.command.memory = this;
    this.command.cookie = index;
  }
}

/** ns; more than the last checks may take. */
const CHECK_TIMEOUT = 60e9;

const NAMES = ["read", "write", "flush"];

export class Client {
  readonly place: ClientPlace;
  device: Device | null = null;
  issued = 0;
  out = 0;
  /** By outcome. */
  readonly outcomes = outcomeCounts();
  readonly handles: number;
  private readonly part: InitiatorPart;
  private readonly rules: ClientRules;
  private readonly span: number;
  private readonly slots: Slot[] = [];
  /** Where the next write goes that has a place of its own. */
  private behind: number;
  private phase: "load" | "stopped" | "checks" = "load";
  /** Of the last checks: the sector that is read next, and whether the write and the flush were submitted. */
  private swept = 0;
  private last = 0;

  constructor(place: ClientPlace, part: InitiatorPart, rules: ClientRules) {
    this.place = place;
    this.part = part;
    this.rules = rules;
    this.behind = place.first;
    this.span = Math.max(1, Math.min(part.span, place.end - place.first));
    this.handles = part.iodepth;
    for (let index = 0; index < part.iodepth; index++) {
      const slot = new Slot(index, this.span);
      slot.command.done = this.ended;
      this.slots.push(slot);
    }
  }

  /** Frames that all that is out at once can need: of a sector each. */
  get mostFrames(): number {
    return this.slots.length * this.span;
  }

  /** All that was to be issued has ended. */
  get through(): boolean {
    if (this.out > 0) return false;
    if (this.phase === "load") return this.issued >= this.part.commands;
    return this.phase === "stopped" || this.last === 2;
  }

  /** The device is there. */
  start(device: Device): void {
    if (this.device !== null) return;
    this.device = device;
    this.rules.wake(this.place.initiator);
    for (const slot of this.slots) this.next(slot);
  }

  /** Nothing new is issued from now on. */
  stop(): void {
    this.phase = "stopped";
    for (const slot of this.slots) this.rules.timer(this.place.base + slot.index, Infinity);
  }

  /** The last checks: every sector is read, its own are written and flushed; all of it must end well. */
  check(): void {
    this.phase = "checks";
    this.rules.wake(this.place.initiator);
    for (const slot of this.slots) this.next(slot);
  }

  /** The timer of a slot: its pause is over, or its command is to be withdrawn. */
  fire(index: number): void {
    const slot = this.slots[index] as Slot;
    this.rules.wake(this.place.initiator);
    if (!slot.out) {
      this.next(slot);
    } else if (slot.command.busy) {
      slot.withdrawn = true;
      (this.device as Device).cancel(slot.command);
    }
  }

  private next(slot: Slot): void {
    if (this.phase === "checks") this.nextCheck(slot);
    if (this.phase !== "load") return;
    const { part, place } = this;
    if (this.issued >= part.commands) return;
    this.issued++;
    const { random } = place;
    const draw = random.below(100);
    if (draw < part.flushes) {
      this.flush(slot);
    } else if (draw < part.flushes + part.reads) {
      const whole = random.below(4) === 0;
      this.read(slot, whole ? 0 : place.first, whole ? place.sectors : place.end);
    } else {
      const sectors = 1 + random.below(this.span);
      const lba =
        part.apart === 1 ? this.apart(sectors) : this.where(sectors, place.first, place.end);
      this.write(slot, lba, sectors);
    }
    if (part.cancels > 0 && random.below(1000) < part.cancels) {
      this.rules.timer(place.base + slot.index, this.rules.now() + random.below(2_000_000));
    }
  }

  /** A place for `sectors` in a range: the hot first quarter, the very end, or anywhere. */
  private where(sectors: number, first: number, end: number): number {
    const { random } = this.place;
    const room = end - first - sectors + 1;
    switch (random.below(4)) {
      case 0:
        return first + random.below(Math.max(1, room >> 2));
      case 1:
        return random.below(3) === 0 ? end - sectors : first + random.below(room);
      default:
        return first + random.below(room);
    }
  }

  /** The place behind the last write's. */
  private apart(sectors: number): number {
    const { first, end } = this.place;
    if (this.behind + sectors > end) this.behind = first;
    const lba = this.behind;
    this.behind += sectors;
    return lba;
  }

  private nextCheck(slot: Slot): void {
    const { place } = this;
    if (this.swept < place.sectors) {
      const first = this.swept;
      const sectors = Math.min(this.span, place.sectors - first);
      this.swept += sectors;
      this.readAt(slot, first, sectors);
    } else if (this.last === 0) {
      this.last++;
      this.write(slot, place.end - 1, 1);
    } else if (this.last === 1) {
      this.last++;
      this.flush(slot);
    }
  }

  private flush(slot: Slot): void {
    slot.began = this.rules.history.now();
    this.submit(slot, FLUSH, 0, 0);
  }

  private read(slot: Slot, first: number, end: number): void {
    const sectors = 1 + this.place.random.below(Math.min(this.span, end - first));
    this.readAt(slot, this.where(sectors, first, end), sectors);
  }

  private readAt(slot: Slot, lba: number, sectors: number): void {
    for (let i = 0; i < sectors; i++) spoil(slot.words, i * WORDS);
    slot.began = this.rules.history.now();
    this.submit(slot, READ, lba, sectors);
  }

  private write(slot: Slot, lba: number, sectors: number): void {
    const { history } = this.rules;
    const { device } = this.place;
    for (let i = 0; i < sectors; i++) {
      const write = history.write(device, lba + i);
      if (i === 0) slot.firstWrite = write;
      stamp(slot.words, i * WORDS, write, device, lba + i);
    }
    this.submit(slot, WRITE, lba, sectors);
  }

  private submit(slot: Slot, operation: number, lba: number, sectors: number): void {
    const { command } = slot;
    command.operation = operation;
    command.lba = lba;
    command.sectors = sectors;
    // What came before may have left a long RTO and writes held back; but nothing is lost any more.
    command.timeout = this.phase === "checks" ? CHECK_TIMEOUT : 0;
    slot.out = true;
    slot.withdrawn = false;
    this.out++;
    (this.device as Device).submit(command);
  }

  private readonly ended = (command: Command): void => {
    const slot = this.slots[command.cookie] as Slot;
    const { rules, place } = this;
    const { operation, outcome } = command;
    if (!slot.out) {
      throw new Violation(
        "ends",
        `a ${NAMES[operation]} of initiator ${place.initiator} ended twice`,
      );
    }
    slot.out = false;
    this.out--;
    const { trace } = rules;
    trace.word(place.base + slot.index);
    trace.word(outcome);
    trace.time(rules.now());
    this.outcomes[outcome] = (this.outcomes[outcome] as number) + 1;
    if (!this.allows(outcome, slot)) throw this.unexpected(command);
    if (!rules.traits.corrupts) this.judge(slot, operation, outcome === OK);
    if (this.part.cancels > 0) rules.timer(place.base + slot.index, Infinity);
    rules.ended();
    if (this.part.think > 0 && this.phase === "load") {
      const pause = place.random.below(2 * this.part.think);
      rules.timer(place.base + slot.index, rules.now() + pause);
    } else {
      this.next(slot);
    }
  };

  private allows(outcome: number, slot: Slot): boolean {
    const { traits } = this.rules;
    switch (outcome) {
      case OK:
        return true;
      case CANCELLED:
        return slot.withdrawn;
      case TIMEOUT:
        return !traits.clean && this.phase !== "checks";
      case ATA_ERROR:
        return traits.ataErrors && this.phase !== "checks";
      case AOE_ERROR:
        return traits.aoeErrors && this.phase !== "checks";
      default:
        return false;
    }
  }

  private unexpected(command: Command): Violation {
    const { operation, outcome, lba, sectors } = command;
    const what = `a ${NAMES[operation]} of ${sectors} sectors from ${lba}`;
    const how = `${outcomeName(outcome)} (status ${command.ataStatus}, error ${command.ataError}, AoE error ${command.aoeError})`;
    const checker = outcome === TIMEOUT && this.phase === "checks" ? "liveness" : "outcome";
    return new Violation(checker, `${what} ended with ${how}, for which there is no reason`);
  }

  private judge(slot: Slot, operation: number, good: boolean): void {
    const { history } = this.rules;
    const { device } = this.place;
    const { lba, sectors } = slot.command;
    if (operation === WRITE) {
      for (let i = 0; i < sectors; i++) {
        if (good) history.written(slot.firstWrite + i);
        else history.abandoned(slot.firstWrite + i);
      }
    } else if (good && operation === READ) {
      for (let i = 0; i < sectors; i++) {
        const found = readStamp(slot.words, i * WORDS, device, lba + i);
        history.read(device, lba + i, found, slot.began);
      }
    } else if (good) {
      history.flushed(device, slot.began);
    }
  }
}
