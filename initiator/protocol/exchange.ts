// The commands and frames that a device has in hand.
//
//   submit ─▶ queue, urgent ─▶ (window? bar? buffer?) ─▶ in flight ─▶ receive.ts ─▶ done
//               ▲            │                      │  ▲
//               └── held ◀───┘ a late copy of an    ▼  │ room in the window (resend.ts)
//                              overlapping write   waiting (its RTO passed)
//
// `drive` sends what may be sent. It runs after each answer, after submits, when a deadline fires,
// and after a release by the link only where the pool or `--kick on-release` wants it: that a release
// re-drives nothing else is what the strategies of pool/ are compared on.
//
// What finds out a path, or what is behind it, is urgent: it passes the queue, and no other command waits for it.
//
// Invariants: in flight ≤ the target's buffer count, over all paths (P12), and in flight + waiting as well, but for
// urgent commands and for the pieces of a fall-back, which wait unsent; a buffer is written only while nobody holds it; `done` is called
// once per submit and never from within it.
//
// Sending, ending and holding back work on one state, and are read together: hence its length.

import type { TxBuffer } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { Echo } from "./answer.ts";
import type { Buffers } from "./buffers.ts";
import {
  CANCELLED,
  type Command,
  hasLostMemory,
  MEMORY_LOST,
  OK,
  TIMEOUT,
  units,
} from "./command.ts";
import { CommandQueue } from "./command_queue.ts";
import type { DeviceCounters } from "./counters.ts";
import type { Device } from "./device.ts";
import { FREE, type Frame, FrameList, IN_FLIGHT, WAITING, writeRequest } from "./frame.ts";
import { Holdback } from "./holdback.ts";
import type { Host } from "./host.ts";
import type { Path } from "./path.ts";
import type { PathSet } from "./path_set.ts";
import type { Pool } from "../pool/pool.ts";
import { resend } from "./resend.ts";
import { CONTROL, FLUSH, IDENTIFY, isTransfer, READ, WRITE } from "./operation.ts";

/** A link that had no room is asked again after this, ns, or when it lets a buffer go. */
const BUSY_RETRY = 50e3;

export class Exchange {
  readonly host: Host;
  readonly device: Device;
  readonly paths: PathSet;
  readonly buffers: Buffers;
  readonly counters: DeviceCounters;
  readonly inFlight = new FrameList();
  readonly waiting = new FrameList();
  readonly holdback: Holdback;
  /** When a retransmit that an expiring bar keeps back is looked at again, ns. */
  barredAt = Infinity;
  /** When a link that had no room is asked again, ns. */
  busyAt = Infinity;
  private readonly queue = new CommandQueue();
  private readonly urgent = new CommandQueue();
  private readonly held = new CommandQueue();
  readonly echo = new Echo();
  /** A bar has changed since held commands were looked at. */
  barsChanged = false;
  /** When an answer last came, or a command came to an idle device: silence counts from then. */
  progressAt = 0;
  private heldAt = Infinity;
  private stallAt = Infinity;

  constructor(device: Device, host: Host, paths: PathSet, buffers: Buffers) {
    this.device = device;
    this.host = host;
    this.paths = paths;
    this.buffers = buffers;
    this.counters = device.counters;
    this.holdback = new Holdback(host.settings.packetLife);
  }

  get queued(): number {
    return this.queue.size + this.urgent.size + this.held.size;
  }

  submit(command: Command): void {
    if (this.counters.commands === this.counters.completed) this.progressAt = this.host.now;
    this.counters.commands++;
    (isUrgent(command) ? this.urgent : this.queue).push(command);
  }

  cancel(command: Command): void {
    this.fail(command, CANCELLED, this.host.now);
  }

  // Ends

  /** The frame is no more: buffer, tag, place in the window and deadline go back. */
  end(frame: Frame, wasAnswered: boolean): void {
    const { host, holdback } = this;
    if (frame.bar !== null) {
      if (wasAnswered && frame.transmits === 1) holdback.lift(frame.bar);
      else holdback.end(frame.bar, frame.lastSentAt);
      this.barsChanged = true;
    } else if (frame.operation === WRITE && frame.transmits > 0 && !wasAnswered) {
      holdback.end(holdback.begin(frame.lba, frame.sectors, null), frame.lastSentAt);
      this.barsChanged = true;
    }
    if (frame.state === IN_FLIGHT) {
      this.inFlight.remove(frame);
      (frame.path as Path).inFlight--;
    } else {
      this.waiting.remove(frame);
    }
    if (frame.buffer !== null) {
      this.buffers.release(frame.pool as Pool, frame.buffer, (frame.path as Path).port, host.now);
    }
    if (frame.tag !== 0) host.tags.give(frame.tag);
    host.frameDeadlines.clear(frame.index);
    frame.state = FREE;
    frame.exchange = null;
    frame.command = null;
    frame.path = null;
    frame.buffer = null;
    frame.pool = null;
    frame.bar = null;
    frame.tag = 0;
    host.giveFrame(frame);
  }

  finish(command: Command, outcome: number, at: number): void {
    if (this.holdback.size > 0) this.holdback.disown(command);
    this.counters.completed++;
    command.outcome = outcome;
    command.doneAt = at;
    command.busy = false;
    command.done(command);
  }

  /** Ends the command now, whatever its frames do: they become nobody's. */
  fail(command: Command, outcome: number, at: number): void {
    // What moves no sectors is done when its turn comes: until then it stands in the queue, too.
    if (command.issued < units(command) || units(command) === 0) {
      if (!this.urgent.remove(command) && !this.queue.remove(command)) this.held.remove(command);
      this.unhold(command);
    }
    if (command.frames > 0) this.orphan(command);
    if (outcome === TIMEOUT) this.counters.timeouts += command.isProbe ? 0 : 1;
    else if (outcome === CANCELLED) this.counters.cancelled++;
    this.device.touch();
    this.finish(command, outcome, at);
  }

  private orphan(command: Command): void {
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
    command.frames = 0;
  }

  /** From the network to those that wait to be sent again. */
  rest(frame: Frame, command: Command): void {
    this.inFlight.remove(frame);
    (frame.path as Path).inFlight--;
    this.wait(frame, command);
  }

  // Deadlines

  /** The deadline of a frame has come: a look at it, or its end. */
  expired(frame: Frame): void {
    const { now } = this.host;
    const { command } = frame;
    const end = command === null ? Infinity : this.endOf(frame, command);
    if (frame.state === IN_FLIGHT && now < end) {
      const at = this.lookAgainAt(frame, now);
      if (at > now) {
        this.host.frameDeadlines.set(frame.index, Math.min(at, end));
        return;
      }
    }
    this.device.touch();
    if (command === null) {
      this.end(frame, false);
    } else if (now >= end) {
      // A request that may not last as long as its RTO tells of its path all the same.
      const isFirst = frame.state === IN_FLIGHT && frame.transmits === 1;
      if (isFirst && !command.isProbe) this.paths.lost(frame);
      this.fail(command, TIMEOUT, now);
      // Nobody waits for it any more, and its deadline is spent.
      if (frame.state === IN_FLIGHT) this.end(frame, false);
    } else if (frame.state === IN_FLIGHT) {
      this.paths.lost(frame);
      this.rest(frame, command);
    } else {
      throw new Error("invariant: a waiting frame's deadline is its end");
    }
  }

  /** `late` ns were no time in which `frame` could have been answered. */
  postpone(frame: Frame, late: number): void {
    const { frameDeadlines } = this.host;
    frame.since += late;
    frame.lastSentAt += late;
    frameDeadlines.set(frame.index, frameDeadlines.at(frame.index) + late);
  }

  /** When to look again at a frame that is out, ns; not after now: it is lost. */
  private lookAgainAt(frame: Frame, now: number): number {
    const { lastSentAt, shift } = frame;
    const { rtt } = frame.path as Path;
    const rtoAt = lastSentAt + this.rtoOf(frame);
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

  private endOf(frame: Frame, command: Command): number {
    return frame.since + this.timeoutOf(command);
  }

  private timeoutOf(command: Command): number {
    return command.timeout > 0 ? command.timeout : this.host.settings.timeout;
  }

  nextDeadline(): number {
    return Math.min(Math.min(this.busyAt, this.heldAt), Math.min(this.barredAt, this.stallAt));
  }

  /** Queued commands that have seen no answer for as long as the timeout end as a silent target's do. */
  advance(now: number): void {
    if (this.stallAt > now) return;
    let next: Command | null;
    for (let command = this.urgent.first; command !== null; command = next) {
      next = command.next;
      if (this.silentAt(command) <= now) this.fail(command, TIMEOUT, now);
    }
    for (let command = this.queue.first; command !== null; command = this.queue.first) {
      if (this.silentAt(command) > now) break;
      this.fail(command, TIMEOUT, now);
    }
    this.stallAt = this.nextStall();
  }

  /** When the first of the queued commands ends for want of an answer. */
  private nextStall(): number {
    let at = this.queue.first === null ? Infinity : this.silentAt(this.queue.first);
    for (let command = this.urgent.first; command !== null; command = command.next) {
      at = Math.min(at, this.silentAt(command));
    }
    return at;
  }

  private silentAt(command: Command): number {
    return Math.max(command.submittedAt, this.progressAt) + this.timeoutOf(command);
  }

  // Sending

  /** Sends what may be sent now. */
  drive(): void {
    const { now } = this.host;
    this.device.ready = false;
    if (this.device.gone) {
      this.device.schedule();
      return;
    }
    this.busyAt = Infinity;
    this.barredAt = Infinity;
    this.buffers.begin();
    if (this.urgent.first !== null) this.issueUrgent(now);
    if (this.waiting.size > 0 && this.busyAt === Infinity) resend(this, now);
    // Not before: a frame that is cut leaves a bar that may be over at once.
    if (this.held.size > 0 && (this.barsChanged || this.heldAt <= now)) {
      this.queue.prepend(this.held);
    }
    this.barsChanged = false;
    if (this.busyAt === Infinity && this.queue.first !== null) this.issue(now);
    this.buffers.settle(this.inFlight.size, now);
    this.heldAt = this.held.size > 0 ? this.holdback.next(now) : Infinity;
    if (this.queued === this.held.size) this.stallAt = Infinity;
    else if (this.stallAt === Infinity) this.stallAt = this.nextStall();
    this.device.schedule();
  }

  private issue(now: number): void {
    const { buffers, holdback, paths } = this;
    for (;;) {
      const command = this.queue.first;
      if (command === null) return;
      if (this.inFlight.size + this.waiting.size >= this.device.bufferCount) return;
      if (units(command) === 0) {
        this.queue.shift();
        this.finish(command, OK, now);
        continue;
      }
      if (hasLostMemory(command)) {
        this.fail(command, MEMORY_LOST, now);
        continue;
      }
      const path = command.path === null ? paths.pick() : paths.only(command.path);
      if (path === null) return;
      const transfer = isTransfer(command.operation);
      const sectors = transfer
        ? Math.min(command.sectors - command.issued, path.limitOf(command.operation).sectors)
        : 0;
      const lba = transfer ? command.lba + command.issued : 0;
      if (command.operation === WRITE && holdback.size > 0) {
        if (holdback.until(lba, sectors, command, now) > now) {
          this.hold(command, now);
          continue;
        }
      }
      if (command.heldSince >= 0) this.unhold(command);
      const pool = buffers.poolOf(path.port, transfer);
      const buffer = buffers.acquire(pool, path.port, now);
      if (buffer === null) {
        // Another link may have one. Where no frame is free there is nothing to wait for but an answer.
        if (!buffers.isDry(path.port) || paths.all.length === 1) return;
        continue;
      }
      if (command.issued + (transfer ? sectors : 1) >= units(command)) this.queue.shift();
      if (!this.launch(command, path, pool, buffer, lba, sectors, now)) return;
    }
  }

  private issueUrgent(now: number): void {
    const { buffers, paths, urgent } = this;
    let next: Command | null;
    for (let command = urgent.first; command !== null; command = next) {
      next = command.next;
      if (this.inFlight.size >= this.device.bufferCount) return;
      const path = command.path === null ? paths.pick() : paths.only(command.path);
      if (path === null) continue;
      let pool = buffers.poolOf(path.port, false);
      let buffer = buffers.acquire(pool, path.port, now);
      if (buffer === null && !command.isProbe) {
        // Frames that wait to go again may own all of the device's: the question that frees them needs none of those.
        pool = buffers.sharedOf(path.port);
        buffer = buffers.acquire(pool, path.port, now);
      }
      if (buffer === null) continue;
      urgent.remove(command);
      if (!this.launch(command, path, pool, buffer, 0, 0, now)) return;
    }
  }

  /** The next frame of `command`, in `buffer`; false: no room on the link, the frame waits. */
  private launch(
    command: Command,
    path: Path,
    pool: Pool,
    buffer: TxBuffer,
    lba: number,
    sectors: number,
    now: number,
  ): boolean {
    const { drySince } = this.buffers;
    if (command.issued === 0) {
      command.bufferedAt = now;
      command.heldBefore = command.heldBack;
      if (drySince >= 0) {
        const dry = now - Math.max(drySince, command.submittedAt);
        command.bufferWait = Math.min(dry, now - command.submittedAt - command.heldBefore);
      }
      pool.waited(command.bufferWait);
    }
    const frame = this.make(command, path, lba, sectors, command.issued * ata.SECTOR);
    frame.buffer = buffer;
    frame.pool = pool;
    command.issued += isTransfer(command.operation) ? sectors : 1;
    this.write(frame, command);
    if (this.transmit(frame, path, now)) return true;
    this.wait(frame, command);
    return false;
  }

  /** A frame of `command` to be sent by `path`, or to wait; `offset` of its data in the command's, in bytes. */
  make(command: Command, path: Path, lba: number, sectors: number, offset: number): Frame {
    const frame = this.host.takeFrame();
    frame.exchange = this;
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

  /** A frame that is in no list waits until it can be sent, or its command's timeout is over. */
  wait(frame: Frame, command: Command): void {
    frame.state = WAITING;
    this.waiting.push(frame);
    this.host.frameDeadlines.set(frame.index, this.endOf(frame, command));
  }

  /** Fills the frame's buffer, which nobody holds, with its request, under a tag of its own. */
  write(frame: Frame, command: Command): void {
    const { device, host } = this;
    if (frame.tag === 0) frame.tag = host.tags.take(frame.index, frame.operation === WRITE);
    writeRequest(frame, command, device.major, device.minor, device.opcodes);
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
    const rto = this.rtoOf(frame);
    const wait = isTransfer(frame.operation) ? Math.min(rto, path.rtt.look(frame.shift)) : rto;
    this.host.frameDeadlines.set(frame.index, Math.min(now + wait, this.endOf(frame, command)));
    return true;
  }

  // Holding back

  private hold(command: Command, now: number): void {
    this.queue.shift();
    this.held.push(command);
    if (command.heldSince >= 0) return;
    command.heldSince = now;
    this.counters.heldBack++;
  }

  private unhold(command: Command): void {
    if (command.heldSince < 0) return;
    const time = this.host.now - command.heldSince;
    command.heldBack += time;
    this.counters.heldBackTime += time;
    command.heldSince = -1;
  }

  /** Ends every command that is there now with `outcome`, and every frame. */
  endAll(outcome: number): void {
    const { now } = this.host;
    for (let left = this.queued; left > 0; left--) {
      const command = this.urgent.first ?? this.queue.first ?? this.held.first;
      if (command === null) break;
      this.fail(command, outcome, now);
    }
    for (;;) {
      const frame = this.waiting.first ?? this.inFlight.first;
      if (frame === null) break;
      // That makes orphans of its frames, and nobody waits for those any more.
      if (frame.command !== null) this.fail(frame.command, outcome, now);
      else this.end(frame, false);
    }
  }
}

/** What finds out a path, or what is behind it. */
function isUrgent({ operation, path }: Command): boolean {
  return operation === IDENTIFY || (path !== null && !isTransfer(operation));
}
