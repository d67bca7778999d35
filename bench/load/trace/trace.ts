// What every buffer and every command of a load did, one record each, for `--trace` (trace_file.ts).
//
//   Load ── submit ──▶ TracedDevice ──▶ device            a command: submitted … buffered … sent … done
//                                         │ acquire, release, reclaimed, kicked
//                                         ▼
//                                      TracedPool ──▶ pool  a buffer: owned … held by the link … idle
//
// Both stand around what they trace, so a load without a trace does not even ask whether there is one.
// Records go into arrays made at the start: `limit` commands and as many buffer stretches as they can
// cause. What comes after is counted and left out, so memory is bounded and the beginning is whole.
//
// Only what begins in [start, stop) is kept: the measured time. It may end later, in the drain.

import type { TxBuffer } from "../../../link/link.ts";
import { type Command, OK } from "../../../initiator/protocol/command.ts";
import type { Pool } from "../../../initiator/pool/pool.ts";
import type { Submitter } from "../load.ts";
import { Records } from "./records.ts";
import type {
  PoolSnapshot,
  Leak,
  PoolLevels,
  PoolMetrics,
} from "../../../initiator/pool/snapshot.ts";

/** Stretches a command causes at most on average: its buffer owned, its buffer held, one retransmit's. */
const STRETCHES = 3;

/** What an interval of a buffer is: OWNED by a command, or HELD by the link alone. */
export const OWNED = 0;
export const HELD = 1;

export class Trace {
  /** slot, operation, lba, sectors, outcome, transmits, due, submitted, hold-back's end, window wait's end, buffered, sent, done. */
  readonly commands: Records;
  /** Buffer's index, OWNED or HELD, from, to (Infinity: not ended when the run did). */
  readonly buffers: Records;
  /** From, to: the pool was dry with nothing outstanding, and a kick ended it. */
  readonly kicks: Records;
  startedAt = Number.POSITIVE_INFINITY;
  stoppedAt = Number.POSITIVE_INFINITY;

  /** `limit`: commands kept at most. */
  constructor(limit: number) {
    this.commands = new Records(13, limit);
    this.buffers = new Records(4, limit * STRETCHES);
    this.kicks = new Records(2, limit);
  }

  /** The measured time begins. */
  start(now: number): void {
    this.startedAt = now;
  }

  /** The measured time ends. */
  stop(now: number): void {
    this.stoppedAt = now;
  }

  covers(at: number): boolean {
    return at >= this.startedAt && at < this.stoppedAt;
  }

  aroundPool(pool: Pool): Pool {
    return new TracedPool(pool, this);
  }

  aroundDevice(device: Submitter): Submitter {
    return new TracedDevice(device, this);
  }
}

class TracedDevice implements Submitter {
  private readonly device: Submitter;
  private readonly trace: Trace;
  /** Commands are made once and used again: each is a row of the picture. */
  private readonly slots = new Map<Command, number>();

  constructor(device: Submitter, trace: Trace) {
    this.device = device;
    this.trace = trace;
  }

  submit(command: Command): void {
    if (!this.slots.has(command)) {
      const slot = this.slots.size;
      this.slots.set(command, slot);
      const { done } = command;
      command.done = (ended) => {
        this.record(slot, ended);
        done(ended);
      };
    }
    this.device.submit(command);
  }

  private record(slot: number, command: Command): void {
    const { trace } = this;
    if (!trace.covers(command.submittedAt)) return;
    // A command that failed may never have had a buffer: its times are those of an earlier use.
    const whole = command.outcome === OK;
    trace.commands.add(
      slot,
      command.operation,
      command.lba,
      command.sectors,
      command.outcome,
      command.transmits,
      command.dueAt,
      command.submittedAt,
      whole ? command.submittedAt + command.heldBefore : command.doneAt,
      whole ? command.bufferedAt - command.bufferWait : command.doneAt,
      whole ? command.bufferedAt : command.doneAt,
      whole ? command.sentAt : command.doneAt,
      command.doneAt,
    );
  }
}

class TracedPool implements Pool {
  readonly name: string;
  readonly redrivenByReclaim: boolean;
  readonly endsAtRelease: boolean;
  readonly frames: number;
  readonly metrics: PoolMetrics & PoolLevels;
  private readonly pool: Pool;
  private readonly trace: Trace;
  /** By buffer: the row of its open interval in `trace.buffers`; -1: idle, or not kept. */
  private readonly open: number[] = [];
  /** Buffers that only the link holds. */
  private readonly held = new Set<TxBuffer>();

  constructor(pool: Pool, trace: Trace) {
    this.pool = pool;
    this.trace = trace;
    this.name = pool.name;
    this.redrivenByReclaim = pool.redrivenByReclaim;
    this.endsAtRelease = pool.endsAtRelease;
    this.frames = pool.frames;
    this.metrics = pool.metrics;
  }

  get owned(): number {
    return this.pool.owned;
  }

  acquire(now: number): TxBuffer | null {
    const buffer = this.pool.acquire(now);
    if (buffer === null) return null;
    // The pool found it idle by itself, before the link's report came.
    if (this.held.delete(buffer)) this.end(buffer, now);
    this.begin(buffer, OWNED, now);
    return buffer;
  }

  release(buffer: TxBuffer, now: number): void {
    this.end(buffer, now);
    if (buffer.pins > 0) {
      this.held.add(buffer);
      this.begin(buffer, HELD, now);
    }
    this.pool.release(buffer, now);
  }

  reclaimed(count: number, now: number): void {
    for (const buffer of this.held) {
      if (buffer.pins > 0) continue;
      this.held.delete(buffer);
      this.end(buffer, now);
    }
    this.pool.reclaimed(count, now);
  }

  kicked(now: number, stalledSince: number): void {
    if (this.trace.covers(now)) this.trace.kicks.add(stalledSince, now);
    this.pool.kicked(now, stalledSince);
  }

  stalled(since: number): void {
    this.pool.stalled(since);
  }
  waited(duration: number): void {
    this.pool.waited(duration);
  }
  markWarm(now: number): void {
    this.pool.markWarm(now);
  }
  nextDeadline(): number {
    return this.pool.nextDeadline();
  }
  advance(now: number): void {
    this.pool.advance(now);
  }
  snapshot(now: number): PoolSnapshot {
    return this.pool.snapshot(now);
  }
  check(): void {
    this.pool.check();
  }
  leaks(now: number): Leak[] {
    return this.pool.leaks(now);
  }
  close(now: number): boolean {
    return this.pool.close(now);
  }

  private begin(buffer: TxBuffer, kind: number, now: number): void {
    const { buffers } = this.trace;
    const kept = this.trace.covers(now);
    this.open[buffer.index] = kept
      ? buffers.add(buffer.index, kind, now, Number.POSITIVE_INFINITY)
      : -1;
  }

  private end(buffer: TxBuffer, now: number): void {
    const row = this.open[buffer.index] ?? -1;
    if (row >= 0) this.trace.buffers.set(row, 3, now);
    this.open[buffer.index] = -1;
  }
}
