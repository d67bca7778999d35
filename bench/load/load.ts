// The load itself: keeps `iodepth` commands moving, or starts them by the clock, and times each.
//
//   start        measuredFrom                 measuredTo
//     │─── ramp ───│──────── runtime ───────────│── drain ──│── read back ──│ finished
//                  figures count what ended here             (--verify with writes)
//
// Latencies of an open loop are those of what was due in the measured time, whenever it ended: what is late because
// the target stood still at the end has waited, and counts as at least that. What was due in the ramp is of the ramp.
//
// The ramp is counted as the measured time is, and thrown away at its end: code that first runs in the measured time
// would be compiled in it: 150 to 200 ms of the compiler's time on the CPU that is measured.
//
//   due ──▶ submitted ──────────────────────────▶ buffered ──▶ sent ──────────▶ done
//   │ schedule │ hold-back, window, buffer wait      │  link wait │ target and wire │
//
// Held back is a write for a late copy of one before it; the link is waited for where it has no room to send.
//
// It stands around the initiator's core and is driven by the same loop: `advance` submits what is due,
// the device calls `done`. Commands are flyweights made once; steady state allocates nothing.

import { AOE_ERROR, ATA_ERROR, Command, OK } from "../../initiator/protocol/command.ts";
import { outcomeCounts, outcomeName } from "../../initiator/protocol/outcomes.ts";
import type { Memory } from "../../link/link.ts";
import type { Arrivals } from "./arrivals.ts";
import { Histogram } from "../../statistics/histogram.ts";
import type { Verifier } from "./verifier.ts";
import type { Workload } from "./workload.ts";
import { READ } from "../../initiator/protocol/operation.ts";

/** What takes commands: a device of the initiator. */
export interface Submitter {
  submit(command: Command): void;
}

export interface LoadPlan {
  readonly iodepth: number;
  /** ns; not in the figures. */
  readonly rampTime: number;
  /** ns; measured. */
  readonly runtime: number;
  /** Bytes of a command. */
  readonly bs: number;
}

/** Equal parts of the measured time: what steady state is judged by. */
export const INTERVALS = 20;

export class Direction {
  ios = 0;
  readonly slat = new Histogram();
  readonly clat = new Histogram();
  readonly lat = new Histogram();
  readonly intervals = new Float64Array(INTERVALS);

  reset(): void {
    this.ios = 0;
    for (const histogram of [this.slat, this.clat, this.lat]) histogram.reset();
    this.intervals.fill(0);
  }

  count(interval: number): void {
    this.ios++;
    this.intervals[interval] = (this.intervals[interval] ?? 0) + 1;
  }

  record(command: Command): void {
    this.slat.record(command.sentAt - command.submittedAt);
    this.clat.record(command.doneAt - command.sentAt);
    this.lat.record(command.doneAt - command.dueAt);
  }
}

const RAMP = 0;
const MEASURE = 1;
const DRAIN = 2;
const READ_BACK = 3;
const FINISHED = 4;

export class Load {
  readonly read = new Direction();
  readonly write = new Direction();
  /** Of what was due in the measured time and never submitted: what it had waited by the end, at least (open loop). */
  readonly unsubmitted = new Histogram();
  /** Both directions together, by part of the way; `lat` and `wire` are put together of theirs. */
  readonly schedule = new Histogram();
  readonly holdBack = new Histogram();
  readonly windowWait = new Histogram();
  readonly bufferWait = new Histogram();
  readonly linkWait = new Histogram();
  /** Submitted while 1, 2–3, 4–7, … ≥ 64 were outstanding (fio's iodepth_level). */
  readonly depths = new Float64Array(7);
  /** By outcome, ramp and drain included: errors must never hide there. */
  readonly outcomes = outcomeCounts();
  /** The first command that failed, in words; "" when none did. */
  firstFailure = "";
  /** Commands that were due at the end and had not been submitted (open loop). */
  overdue = 0;
  measuredFrom = 0;
  measuredTo = 0;
  outstanding = 0;
  /** Occupancy × ns in the measured time, and Σ of each command's time in it. */
  area = 0;
  totalTime = 0;
  readBackBlocks = 0;

  /** Called once when the ramp is over, and once when the measured time is. */
  onMeasure: ((now: number) => void) | null = null;
  onMeasured: ((now: number) => void) | null = null;

  readonly #plan: LoadPlan;
  readonly #workload: Workload;
  readonly #arrivals: Arrivals;
  readonly #verifier: Verifier | null;
  readonly #device: Submitter;
  readonly #memory: Memory;
  readonly #open: boolean;
  readonly #idle: Command[] = [];
  // These four get a value here and another when the ramp begins: what is written once is compiled as a constant, and
  // its first change, when the measured time begins, would throw that code away.
  #phase = FINISHED;
  /** When the ramp or the measured time is over, ns. */
  #phaseEnds = 0;
  #changedAt = 0;
  /** When what is counted now began. */
  #since = 0;
  /** Σ of when what is outstanding was submitted, or what is counted began. */
  #submitted = 0;
  #readBackNext = 0;

  /** `memory` holds `iodepth` × `bs` bytes. `now`: when the ramp begins. */
  constructor(
    plan: LoadPlan,
    workload: Workload,
    arrivals: Arrivals,
    verifier: Verifier | null,
    device: Submitter,
    memory: Memory,
    now: number,
  ) {
    this.#plan = plan;
    this.#workload = workload;
    this.#arrivals = arrivals;
    this.#open = arrivals.due !== Number.NEGATIVE_INFINITY;
    this.#verifier = verifier;
    this.#device = device;
    this.#memory = memory;
    this.#phase = RAMP;
    this.#since = now;
    this.#changedAt = now;
    this.measuredFrom = now + plan.rampTime;
    this.#phaseEnds = this.measuredFrom;
    this.measuredTo = this.measuredFrom + plan.runtime;
    const done = (command: Command): void => this.#done(command);
    for (let slot = 0; slot < plan.iodepth; slot++) {
      const command = new Command();
      command.memory = memory;
      command.offset = slot * plan.bs;
      command.done = done;
      this.#idle.push(command);
    }
  }

  /** From due to done. */
  get lat(): Histogram {
    return together(this.read.lat, this.write.lat, this.unsubmitted);
  }
  /** From sent to done: target and wire. */
  get wire(): Histogram {
    return together(this.read.clat, this.write.clat);
  }
  get finished(): boolean {
    return this.#phase === FINISHED;
  }
  /** The ramp is over: what is counted is of the measured time. */
  get isMeasured(): boolean {
    return this.#phase >= MEASURE;
  }
  /** Completed in the measured time, or in the ramp while that lasts. */
  get completed(): number {
    return this.read.ios + this.write.ios;
  }
  get failures(): number {
    let sum = 0;
    for (let outcome = OK + 1; outcome < this.outcomes.length; outcome++)
      sum += this.outcomes[outcome] ?? 0;
    return sum;
  }

  /** Ends the measured time at once: what is outstanding is still waited for. */
  stop(now: number): void {
    if (this.#phase > MEASURE) return;
    if (this.#phase === RAMP) this.#beginMeasure(now);
    this.measuredTo = now;
    this.#phaseEnds = now;
  }

  /** Submits what is due at `now` and moves on where a phase has ended. */
  advance(now: number): void {
    if (this.#phase <= MEASURE) {
      if (now >= this.#phaseEnds) this.#endPhase(now);
      if (this.#phase <= MEASURE) this.#submitDue(now);
    }
    if (this.#phase === DRAIN && this.outstanding === 0) {
      this.#phase =
        this.#verifier !== null && this.#verifier.blocksWritten > 0 ? READ_BACK : FINISHED;
    }
    if (this.#phase === READ_BACK) this.#readBack(now);
  }

  /** When `advance` has something to do by time alone. */
  nextDeadline(): number {
    if (this.#phase >= DRAIN) return Number.POSITIVE_INFINITY;
    // Without an idle command the next completion is what counts, not the next arrival.
    return this.#idle.length === 0
      ? this.#phaseEnds
      : Math.min(this.#phaseEnds, this.#arrivals.due);
  }

  /** A ramp of no time is over at once, and so may the measured time be. */
  #endPhase(now: number): void {
    if (this.#phase === RAMP) this.#beginMeasure(now);
    if (this.#phase === MEASURE && now >= this.measuredTo) this.#endMeasure(now);
  }

  #beginMeasure(now: number): void {
    this.#phase = MEASURE;
    this.measuredFrom = now;
    this.measuredTo = now + this.#plan.runtime;
    this.#phaseEnds = this.measuredTo;
    for (const direction of [this.read, this.write]) direction.reset();
    const { bufferWait, holdBack, linkWait, schedule, windowWait } = this;
    for (const part of [schedule, holdBack, windowWait, bufferWait, linkWait]) part.reset();
    this.depths.fill(0);
    this.area = 0;
    this.totalTime = 0;
    this.#since = now;
    this.#changedAt = now;
    this.#submitted = this.outstanding * now;
    this.onMeasure?.(now);
  }

  #endMeasure(now: number): void {
    this.#occupied(this.measuredTo);
    this.totalTime += this.outstanding * this.measuredTo - this.#submitted;
    this.#phase = DRAIN;
    while (this.#open && this.#arrivals.due < this.measuredTo) {
      const waited = this.measuredTo - this.#arrivals.due;
      this.unsubmitted.record(waited);
      this.schedule.record(waited);
      this.#arrivals.take();
      this.overdue++;
    }
    this.onMeasured?.(now);
  }

  #submitDue(now: number): void {
    while (this.#idle.length > 0 && this.#arrivals.due <= now) {
      const command = this.#idle.pop();
      if (command === undefined) return;
      this.#workload.next(command);
      // What nobody checks stays where it came in: the load's own work is part of what it measures.
      if (this.#verifier === null) {
        command.memory = command.operation === READ ? null : this.#memory;
      }
      if (this.#verifier !== null && !this.#verifier.admit(command)) {
        // Every block has a command on it: one must end first.
        this.#idle.push(command);
        return;
      }
      const due = this.#arrivals.due;
      command.dueAt = due === Number.NEGATIVE_INFINITY ? now : due;
      this.#arrivals.take();
      this.#submit(command, now);
    }
  }

  #readBack(now: number): void {
    const verifier = this.#verifier;
    while (verifier !== null && this.#readBackNext >= 0) {
      const command = this.#idle.pop();
      if (command === undefined) return;
      const block = verifier.nextWritten(this.#readBackNext);
      if (block < 0) {
        this.#idle.push(command);
        this.#readBackNext = -1;
        break;
      }
      this.#readBackNext = block + 1;
      this.readBackBlocks++;
      command.operation = READ;
      command.lba = this.#workload.firstLba + block * this.#workload.sectorsPerBlock;
      command.sectors = this.#workload.sectorsPerBlock;
      command.dueAt = now;
      verifier.admit(command);
      this.#submit(command, now);
    }
    if (this.outstanding === 0) this.#phase = FINISHED;
  }

  #submit(command: Command, now: number): void {
    this.#occupied(now);
    this.outstanding++;
    this.#submitted += now;
    if (this.#phase <= MEASURE) {
      const level = Math.min(6, 31 - Math.clz32(this.outstanding));
      this.depths[level] = (this.depths[level] ?? 0) + 1;
    }
    this.#device.submit(command);
  }

  #done(command: Command): void {
    const at = command.doneAt;
    this.#occupied(at);
    this.outstanding--;
    const since = Math.max(command.submittedAt, this.#since);
    this.#submitted -= since;
    if (this.#phase <= MEASURE) this.totalTime += Math.min(at, this.measuredTo) - since;
    this.outcomes[command.outcome] = (this.outcomes[command.outcome] ?? 0) + 1;
    const well = command.outcome === OK;
    if (!well && this.firstFailure === "") this.firstFailure = describe(command);
    this.#verifier?.settle(command, well);
    if (well) {
      const inTime = this.#phase <= MEASURE && at < this.measuredTo;
      const direction = command.operation === READ ? this.read : this.write;
      if (inTime) this.#count(direction, at);
      if (this.#open ? this.#wasDue(command) : inTime) this.#record(direction, command);
    }
    this.#idle.push(command);
  }

  /** In the measured time; in the ramp, whose records are thrown away, as well. */
  #wasDue({ dueAt }: Command): boolean {
    if (this.#phase === RAMP) return true;
    return dueAt >= this.measuredFrom && dueAt < this.measuredTo;
  }

  #count(direction: Direction, at: number): void {
    const interval = Math.min(
      INTERVALS - 1,
      Math.floor(((at - this.measuredFrom) * INTERVALS) / this.#plan.runtime),
    );
    direction.count(Math.max(0, interval));
  }

  #record(direction: Direction, command: Command): void {
    direction.record(command);
    this.schedule.record(command.submittedAt - command.dueAt);
    const { bufferWait, bufferedAt, heldBefore } = command;
    this.holdBack.record(heldBefore);
    this.bufferWait.record(bufferWait);
    this.windowWait.record(bufferedAt - command.submittedAt - bufferWait - heldBefore);
    this.linkWait.record(command.sentAt - bufferedAt);
  }

  /**
   * Adds the time since the last change of `outstanding` to the area. A submit has the time of its slice and an answer
   * that of its arrival, so a change may be older than the one before it: the time between is taken off again, and
   * counted again with what is outstanding then.
   */
  #occupied(at: number): void {
    if (this.#phase > MEASURE) return;
    const until = Math.min(at, this.measuredTo);
    this.area += this.outstanding * (until - this.#changedAt);
    this.#changedAt = until;
  }
}

function together(...histograms: readonly Histogram[]): Histogram {
  const sum = new Histogram();
  for (const histogram of histograms) sum.add(histogram);
  return sum;
}

function describe(command: Command): string {
  const kind = command.operation === READ ? "read" : "write";
  const detail =
    command.outcome === ATA_ERROR
      ? ` (status 0x${command.ataStatus.toString(16)}, error 0x${command.ataError.toString(16)}, at sector ${command.failedLba})`
      : command.outcome === AOE_ERROR
        ? ` (error ${command.aoeError})`
        : "";
  return `${kind} of ${command.sectors} sectors at ${command.lba}: ${outcomeName(command.outcome)}${detail}`;
}
