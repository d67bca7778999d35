// The commands of a device, from submit to done, and when their frames go out.
//
//   submit ─▶ queue, urgent ─▶ (window? bar? buffer?) ─▶ in flight ─▶ receive.ts ─▶ done
//               ▲            │                      │  ▲
//               └── held ◀───┘ a late copy of an    ▼  │ room in the window (resend.ts)
//                              overlapping write   waiting (its RTO passed)
//
// The frames themselves are in outstanding.ts. `drive` sends what may be sent. It runs after each answer, after
// submits, when a deadline fires, and after a release by the link only where the pool or `--kick on-release` wants
// it: that a release re-drives nothing else is what the strategies of pool/ are compared on.
//
// What finds out a path, or what is behind it, is urgent: it passes the queue, and no other command waits for it.
//
// Invariants: in flight ≤ the target's buffer count, over all paths (P12), and in flight + waiting as well, but for
// urgent commands and for the pieces of a fall-back, which wait unsent; `done` is called once per submit and never
// from within it.

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
import { type Frame, IN_FLIGHT, SETTLING } from "./frame.ts";
import type { Host } from "./host.ts";
import { IDENTIFY, isTransfer, WRITE } from "./operation.ts";
import type { Outstanding } from "./outstanding.ts";
import type { PathSet } from "./path_set.ts";
import type { Pool } from "../pool/pool.ts";
import { resend } from "./resend.ts";

export class Exchange {
  readonly frames: Outstanding;
  readonly host: Host;
  readonly paths: PathSet;
  readonly counters: DeviceCounters;
  readonly echo = new Echo();
  /** When an answer last came, or a command came to an idle device: silence counts from then. */
  progressAt = 0;
  private readonly buffers: Buffers;
  private readonly queue = new CommandQueue();
  private readonly urgent = new CommandQueue();
  private readonly held = new CommandQueue();
  private readonly touch: () => void;
  private heldAt = Infinity;
  private stallAt = Infinity;

  /** `touch`: there may be something to send, the device is to drive. */
  constructor(frames: Outstanding, touch: () => void) {
    this.frames = frames;
    this.host = frames.host;
    this.paths = frames.paths;
    this.buffers = frames.buffers;
    this.counters = frames.counters;
    this.touch = touch;
  }

  get queued(): number {
    return this.queue.size + this.urgent.size + this.held.size;
  }

  submit(command: Command): void {
    if (this.counters.commands === this.counters.completed) this.progressAt = this.host.now;
    this.counters.commands++;
    if (isTransfer(command.operation) || !isUrgent(command)) this.queue.push(command);
    else this.urgent.push(command);
  }

  cancel(command: Command): void {
    this.fail(command, CANCELLED, this.host.now);
  }

  // Ends

  finish(command: Command, outcome: number, at: number): void {
    const { holdback } = this.frames;
    if (holdback.size > 0) holdback.disown(command);
    this.counters.completed++;
    command.outcome = outcome;
    command.doneAt = at;
    command.busy = false;
    command.done(command);
  }

  /** A frame of the command has all that it waits for. */
  frameDone(frame: Frame, command: Command, at: number): void {
    this.frames.end(frame, true);
    command.frames--;
    if (command.frames === 0 && command.issued >= units(command)) this.finish(command, OK, at);
  }

  /** The link released buffers: commands that wait for nothing else end. Whether any did. */
  released(): boolean {
    const { settling } = this.frames;
    const before = settling.size;
    let after: Frame | null;
    for (let frame = settling.first; frame !== null; frame = after) {
      after = frame.after;
      if (frame.buffer?.pins !== 0) continue;
      this.frameDone(frame, frame.command as Command, this.host.now);
      // Who heard of it may have withdrawn the next one.
      if (after !== null && after.state !== SETTLING) after = settling.first;
    }
    return settling.size < before;
  }

  /** Ends the command now, whatever its frames do: they become nobody's. */
  fail(command: Command, outcome: number, at: number): void {
    // What moves no sectors is done when its turn comes: until then it stands in the queue, too.
    if (command.issued < units(command) || units(command) === 0) {
      if (!this.urgent.remove(command) && !this.queue.remove(command)) this.held.remove(command);
      this.unhold(command);
    }
    if (command.frames > 0) this.frames.orphan(command);
    if (outcome === TIMEOUT) this.counters.timeouts += command.isProbe ? 0 : 1;
    else if (outcome === CANCELLED) this.counters.cancelled++;
    this.touch();
    this.finish(command, outcome, at);
  }

  // Deadlines

  /** The deadline of a frame has come: a look at it, or its end. */
  expired(frame: Frame): void {
    const { frames } = this;
    const { now } = this.host;
    const { command } = frame;
    const end = command === null ? Infinity : frames.endOf(frame, command);
    if (frame.state === IN_FLIGHT && now < end) {
      const at = frames.lookAgainAt(frame, now);
      if (at > now) {
        this.host.frameDeadlines.set(frame.index, Math.min(at, end));
        return;
      }
    }
    this.touch();
    if (command === null) {
      frames.end(frame, false);
    } else if (now >= end) {
      // A request that may not last as long as its RTO tells of its path all the same.
      const isFirst = frame.state === IN_FLIGHT && frame.transmits === 1;
      if (isFirst && !command.isProbe) this.paths.lost(frame);
      this.fail(command, TIMEOUT, now);
      // Nobody waits for it any more, and its deadline is spent.
      if (frame.state === IN_FLIGHT) frames.end(frame, false);
    } else if (frame.state === IN_FLIGHT) {
      this.paths.lost(frame);
      frames.rest(frame, command);
    } else {
      throw new Error("invariant: a waiting frame's deadline is its end");
    }
  }

  nextDeadline(): number {
    const { barredAt, busyAt } = this.frames;
    return Math.min(Math.min(busyAt, this.heldAt), Math.min(barredAt, this.stallAt));
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

  /** When the first of the queued commands ends without an answer. */
  private nextStall(): number {
    let at = this.queue.first === null ? Infinity : this.silentAt(this.queue.first);
    for (let command = this.urgent.first; command !== null; command = command.next) {
      at = Math.min(at, this.silentAt(command));
    }
    return at;
  }

  private silentAt(command: Command): number {
    return Math.max(command.submittedAt, this.progressAt) + this.frames.timeoutOf(command);
  }

  // Sending

  /** Sends what may be sent now. */
  drive(): void {
    const { buffers, frames } = this;
    const { now } = this.host;
    frames.busyAt = Infinity;
    frames.barredAt = Infinity;
    buffers.begin();
    if (this.urgent.first !== null) this.issueUrgent(now);
    if (frames.waiting.size > 0 && frames.busyAt === Infinity) {
      const lost = resend(frames, now);
      // Where there are several, the next drive meets the others.
      if (lost !== null) this.fail(lost, MEMORY_LOST, now);
    }
    // Not before: a frame that is cut leaves a bar that may be over at once.
    if (this.held.size > 0 && (frames.barsChanged || this.heldAt <= now)) {
      this.queue.prepend(this.held);
    }
    frames.barsChanged = false;
    if (frames.busyAt === Infinity && this.queue.first !== null) this.issue(now);
    buffers.settle(frames.inFlight.size, now);
    this.heldAt = this.held.size > 0 ? frames.holdback.next(now) : Infinity;
    if (this.queue.first === null && this.urgent.first === null) this.stallAt = Infinity;
    else if (this.stallAt === Infinity) this.stallAt = this.nextStall();
  }

  private issue(now: number): void {
    const { buffers, frames, paths } = this;
    const { facts, holdback } = frames;
    for (;;) {
      const command = this.queue.first;
      if (command === null) return;
      if (frames.inFlight.size + frames.waiting.size >= facts.bufferCount) return;
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
      if (command.issued === 0) this.buffered(command, pool, now);
      const frame = frames.make(command, path, lba, sectors, command.issued * ata.SECTOR);
      frame.buffer = buffer;
      frame.pool = pool;
      command.issued += transfer ? sectors : 1;
      if (command.issued >= units(command)) this.queue.shift();
      // As in issueUrgent: a call between them and the loop costs 25 ns a command.
      frames.write(frame, command);
      if (frames.transmit(frame, path, now)) continue;
      frames.wait(frame, command);
      return;
    }
  }

  private issueUrgent(now: number): void {
    const { buffers, frames, paths, urgent } = this;
    let next: Command | null;
    for (let command = urgent.first; command !== null; command = next) {
      next = command.next;
      if (frames.isFull) return;
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
      this.buffered(command, pool, now);
      const frame = frames.make(command, path, 0, 0, 0);
      frame.buffer = buffer;
      frame.pool = pool;
      command.issued = 1;
      frames.write(frame, command);
      if (frames.transmit(frame, path, now)) continue;
      frames.wait(frame, command);
      return;
    }
  }

  /** The command's first frame has a buffer of `pool`. */
  private buffered(command: Command, pool: Pool, now: number): void {
    const { drySince } = this.buffers;
    command.bufferedAt = now;
    command.heldBefore = command.heldBack;
    if (drySince >= 0) {
      const dry = now - Math.max(drySince, command.submittedAt);
      command.bufferWait = Math.min(dry, now - command.submittedAt - command.heldBefore);
    }
    pool.waited(command.bufferWait);
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
    const { frames } = this;
    const { now } = this.host;
    for (let left = this.queued; left > 0; left--) {
      const command = this.urgent.first ?? this.queue.first ?? this.held.first;
      if (command === null) break;
      this.fail(command, outcome, now);
    }
    for (;;) {
      const frame = frames.waiting.first ?? frames.settling.first ?? frames.inFlight.first;
      if (frame === null) break;
      // That makes orphans of its frames, and nobody waits for those any more.
      if (frame.command !== null) this.fail(frame.command, outcome, now);
      else frames.end(frame, false);
    }
  }
}

/** Of one that moves no sectors: whether it finds out a path, or what is behind it. */
function isUrgent({ operation, path }: Command): boolean {
  return operation === IDENTIFY || path !== null;
}
