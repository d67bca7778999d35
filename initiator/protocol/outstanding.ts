// A device's frames, from the moment they are made until they end: those in the network, those that wait to be sent
// again, and what writes among them hold back.
//
//   make ─▶ write ─▶ transmit ─▶ in flight ─────────────── end (answered, failed, given up)
//     └──────────────▶ wait ─▶ waiting ◀── rest (its RTO passed)
//   pool `both`: answered while its buffer is pinned ─▶ settling ─▶ end, by the link's release
//
// Which command's frame is made when, and what a command ends with, is settled in exchange.ts.
//
// Invariant: a buffer is written only while nobody holds it.

import type { TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import type { Pool } from "../pool/pool.ts";
import type { Buffers } from "./buffers.ts";
import type { Command } from "./command.ts";
import type { DeviceCounters } from "./counters.ts";
import type { Facts } from "./facts.ts";
import {
  FREE,
  type Frame,
  FrameList,
  IN_FLIGHT,
  NO_DEVICE,
  SETTLING,
  WAITING,
  writeRequest,
} from "./frame.ts";
import { Holdback } from "./holdback.ts";
import type { Host } from "./host.ts";
import { CONTROL, FLUSH, isTransfer, READ, WRITE } from "./operation.ts";
import type { Path } from "./path.ts";
import type { PathSet } from "./path_set.ts";

/** A link that had no room is asked again after this, ns, or when it releases a buffer. */
const BUSY_RETRY = 50e3;
/** A first transmit is lost after this, ns, whatever is heard: few pauses are longer. */
const PAUSE = 20e6;

export class Outstanding {
  readonly inFlight = new FrameList();
  readonly waiting = new FrameList();
  /** Answered, with a buffer that the link still holds. */
  readonly settling = new FrameList();
  readonly holdback: Holdback;
  /** A bar has changed since held commands were looked at. */
  barsChanged = false;
  /** When a retransmit that an expiring bar keeps back is looked at again, ns. */
  barredAt = Infinity;
  /** When a link that had no room is asked again, ns. */
  busyAt = Infinity;
  readonly facts: Facts;
  readonly host: Host;
  readonly paths: PathSet;
  readonly buffers: Buffers;
  readonly counters: DeviceCounters;
  /** Of the device, over the initiator: whose a frame is. */
  private readonly index: number;

  constructor(
    facts: Facts,
    index: number,
    host: Host,
    paths: PathSet,
    buffers: Buffers,
    counters: DeviceCounters,
  ) {
    this.facts = facts;
    this.index = index;
    this.host = host;
    this.paths = paths;
    this.buffers = buffers;
    this.counters = counters;
    this.holdback = new Holdback(host.settings.packetLife);
  }

  /** Whether the target takes no more frames at a time (P12). */
  get isFull(): boolean {
    return this.inFlight.size >= this.facts.bufferCount;
  }

  /** A frame of `command` to be sent by `path`, or to wait; `offset` of its data in the command's, in bytes. */
  make(command: Command, path: Path, lba: number, sectors: number, offset: number): Frame {
    const frame = this.host.takeFrame();
    frame.device = this.index;
    frame.command = command;
    frame.path = path;
    frame.operation = command.operation;
    frame.aoeCommand = command.operation === CONTROL ? command.aoeCommand : aoe.COMMAND_ATA;
    frame.lba = lba;
    frame.sectors = sectors;
    frame.offset = command.offset + offset;
    frame.transmits = 0;
    frame.shift = 0;
    frame.lastSentAt = 0;
    frame.since = this.host.now;
    command.frames++;
    return frame;
  }

  /** Fills the frame's buffer, which nobody holds, with its request, under a tag of its own. */
  write(frame: Frame, command: Command): void {
    if (frame.tag === 0) frame.tag = this.host.tags.take(frame.index, frame.operation === WRITE);
    writeRequest(frame, command, this.facts);
  }

  /** Sends what is in the frame's buffer; false: no room on the link, the frame waits. */
  transmit(frame: Frame, path: Path, now: number): boolean {
    const command = frame.command as Command;
    if (!path.port.link.transmit(frame.buffer as TxBuffer, frame.length)) {
      this.counters.linkBusy++;
      this.busyAt = now + BUSY_RETRY;
      return false;
    }
    frame.shift = Math.max(path.rtt.shift, Math.min(31, frame.transmits));
    frame.transmits++;
    frame.barred = false;
    frame.lastSentAt = now;
    this.counters.transmits++;
    frame.sequence = ++path.transmits;
    if (frame.transmits > 1) {
      this.counters.retransmits++;
      path.retransmits++;
      if (frame.operation === WRITE) {
        frame.bar ??= this.holdback.begin(frame.lba, frame.sectors, command);
      }
    }
    if (command.transmits++ === 0) command.sentAt = now;
    if (frame.state === WAITING) this.waiting.remove(frame);
    frame.state = IN_FLIGHT;
    this.inFlight.push(frame);
    path.inFlight++;
    const isData = isTransfer(frame.operation);
    const wait = isData ? path.rtt.firstLook(frame.shift) : this.rtoOf(frame);
    this.host.frameDeadlines.set(frame.index, Math.min(now + wait, this.endOf(frame, command)));
    return true;
  }

  /** A frame that is in no list waits until it can be sent, or its command's timeout is over. */
  wait(frame: Frame, command: Command): void {
    frame.state = WAITING;
    this.waiting.push(frame);
    this.host.frameDeadlines.set(frame.index, this.endOf(frame, command));
  }

  /** From the network to those that wait to be sent again. */
  rest(frame: Frame, command: Command): void {
    this.inFlight.remove(frame);
    (frame.path as Path).inFlight--;
    this.wait(frame, command);
  }

  /** The frame is no more: buffer, tag, place in the window and deadline go back. */
  end(frame: Frame, wasAnswered: boolean): void {
    const { host } = this;
    const { port } = frame.path as Path;
    if (frame.state === SETTLING) this.settling.remove(frame);
    else this.leave(frame, wasAnswered);
    const { buffer } = frame;
    if (buffer !== null) this.buffers.release(frame.pool as Pool, buffer, port, host.now);
    host.frameDeadlines.clear(frame.index);
    frame.state = FREE;
    frame.device = NO_DEVICE;
    frame.command = null;
    frame.path = null;
    frame.buffer = null;
    frame.pool = null;
    host.giveFrame(frame);
  }

  /** It is answered, and its command waits for its buffer's release as well, or its timeout. */
  settle(frame: Frame, command: Command): void {
    this.leave(frame, true);
    frame.state = SETTLING;
    this.settling.push(frame);
    this.host.frameDeadlines.set(frame.index, this.endOf(frame, command));
  }

  /** Out of the network: what it barred, its place in the window and its tag go. */
  private leave(frame: Frame, wasAnswered: boolean): void {
    const { host, holdback } = this;
    if (frame.bar !== null) {
      if (wasAnswered && frame.transmits === 1) holdback.lift(frame.bar);
      else holdback.end(frame.bar, frame.lastSentAt);
      this.barsChanged = true;
    } else if (frame.operation === WRITE && frame.transmits > 0 && !wasAnswered) {
      holdback.end(holdback.begin(frame.lba, frame.sectors, null), frame.lastSentAt);
      this.barsChanged = true;
    }
    const path = frame.path as Path;
    if (frame.state === IN_FLIGHT) {
      this.inFlight.remove(frame);
      path.inFlight--;
    } else {
      this.waiting.remove(frame);
    }
    if (frame.tag !== 0) host.tags.give(frame.tag);
    frame.bar = null;
    frame.tag = 0;
  }

  /** The command has ended before its frames: what is in the network belongs to nobody, the rest ends. */
  orphan(command: Command): void {
    for (let frame = this.inFlight.first; frame !== null; frame = frame.after) {
      if (frame.command !== command) continue;
      frame.command = null;
      if (frame.operation !== WRITE) continue;
      // It may yet be carried out: nothing may overtake it.
      frame.bar ??= this.holdback.begin(frame.lba, frame.sectors, null);
    }
    let after: Frame | null;
    for (let frame = this.waiting.first; frame !== null; frame = after) {
      after = frame.after;
      if (frame.command === command) this.end(frame, false);
    }
    for (let frame = this.settling.first; frame !== null; frame = after) {
      after = frame.after;
      if (frame.command === command) this.end(frame, true);
    }
    command.frames = 0;
  }

  // Deadlines

  /** `late` ns were no time in which `frame` could have been answered. */
  postpone(frame: Frame, late: number): void {
    const { frameDeadlines } = this.host;
    frame.since += late;
    frame.lastSentAt += late;
    frameDeadlines.set(frame.index, frameDeadlines.at(frame.index) + late);
  }

  /** When to look again at a frame that is out, ns; not after now: it is lost. */
  lookAgainAt(frame: Frame, now: number): number {
    const { lastSentAt, shift } = frame;
    const path = frame.path as Path;
    const { rtt } = path;
    const rto = this.rtoOf(frame);
    const rtoAt = lastSentAt + rto;
    if (now >= rtoAt) {
      const silentUntil = frame.transmits === 1 ? lastSentAt + PAUSE : now;
      if (now >= silentUntil || !this.paths.mayPause(frame, rto)) return now;
      return Math.min(silentUntil, now + Math.max(rtt.early(shift), now - rtoAt));
    }
    // A copy of a read costs nothing; one of a write holds back what overlaps it.
    if (frame.operation === READ && now >= lastSentAt + rtt.early(shift)) {
      if (this.paths.isOvertaken(frame)) return now;
    }
    return Math.min(rtoAt, now + (now - lastSentAt));
  }

  private rtoOf({ operation, path, shift }: Frame): number {
    const rto = (path as Path).rtt.rto(shift);
    // What a flush or a control command takes has nothing to do with the round trip.
    const hasNone = operation === FLUSH || operation === CONTROL;
    return hasNone ? Math.max(rto, this.host.settings.rtt.first) : rto;
  }

  /** When the frame's command is given up, as far as the frame goes, ns. */
  endOf(frame: Frame, command: Command): number {
    return frame.since + this.timeoutOf(command);
  }

  timeoutOf(command: Command): number {
    return command.timeout > 0 ? command.timeout : this.host.settings.timeout;
  }
}
