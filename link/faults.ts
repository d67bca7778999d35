// A link with faults: frames lost, altered, doubled, late, out of order, in either direction, by the
// plan of link/fault_plan.ts. Seeded, with a stream of random numbers for each fault and direction,
// so that adding a fault does not change what the others do.
//
//   tx   transmit ─▶ drop ─▶ corrupt ─▶ duplicate ─▶ delay, reorder ─▶ the link below
//   rx   the link below ─▶ the same ─▶ visit
//
// The core's own buffer is never written. A transmit that is to be altered, doubled or late is
// copied into a *carrier*, a buffer of the link below, which is taken again when that releases it;
// the core's buffer is then idle at once, as on any link that copies. Carriers are allocated when
// first needed (on a ring each costs a socket), up to `slots`. Late received frames are copied into
// as many slots, allocated at the start. Where neither is left the frame passes unharmed, counted as
// crowded: a lack of room must not look like loss.

import type { Random } from "../words/random.ts";
import { createDeadlines } from "./deadlines.ts";
import type { DirectionFaults, FaultPlan } from "./fault_plan.ts";
import { FrameSlots } from "./frame_slots.ts";
import type { FrameView, Link, TxBuffer } from "./link.ts";
import { WrappedLink } from "./wrap.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { Waiter } from "./waiter.ts";

/** How soon a late frame is tried again after the link below had no room, ns. */
const RETRY = 10_000;

/** What happened to the frames of one direction. */
export interface FaultCounters {
  frames: number;
  dropped: number;
  corrupted: number;
  duplicated: number;
  delayed: number;
  reordered: number;
  /** Should have been late, altered or doubled; no carrier or slot was left. */
  crowded: number;
  /** Delays cut to `longestDelay`. */
  clipped: number;
}

export interface FaultLink extends Link {
  readonly faults: { readonly tx: Readonly<FaultCounters>; readonly rx: Readonly<FaultCounters> };
  /** From now on; frames that are late already stay so. */
  setPlan(plan: FaultPlan): void;
}

export interface FaultOptions {
  readonly clock: Pick<Waiter, "now">;
  readonly random: Random;
  /** Frames late at once in each direction, at most; 256. */
  readonly slots?: number;
  /** No frame is held back longer, ns: what keeps a plan below the packet life. Infinity. */
  readonly longestDelay?: number;
}

export function createFaults(inner: Link, plan: FaultPlan, options: FaultOptions): FaultLink {
  return new FaultyLink(inner, plan, options);
}

/** The faults of one direction, each with a random generator of its own. */
class Direction {
  faults: DirectionFaults;
  readonly counters: FaultCounters = {
    frames: 0,
    dropped: 0,
    corrupted: 0,
    duplicated: 0,
    delayed: 0,
    reordered: 0,
    crowded: 0,
    clipped: 0,
  };
  private readonly longest: number;
  private readonly dropping: Random;
  private readonly corrupting: Random;
  private readonly duplicating: Random;
  private readonly delaying: Random;
  private readonly reordering: Random;

  constructor(name: string, faults: DirectionFaults, random: Random, longest: number) {
    this.faults = faults;
    this.longest = longest;
    this.dropping = random.fork(`${name}:drop`);
    this.corrupting = random.fork(`${name}:corrupt`);
    this.duplicating = random.fork(`${name}:duplicate`);
    this.delaying = random.fork(`${name}:delay`);
    this.reordering = random.fork(`${name}:reorder`);
  }

  drops(): boolean {
    return this.faults.drop > 0 && this.dropping.float() < this.faults.drop;
  }

  duplicates(): boolean {
    return this.faults.duplicate > 0 && this.duplicating.float() < this.faults.duplicate;
  }

  /** The bit to flip in a frame of `length` bytes, counted from its first byte's lowest; -1: none. */
  corruptBit(length: number): number {
    const { corrupt, corruptFrom } = this.faults;
    if (corrupt === 0 || this.corrupting.float() >= corrupt) return -1;
    const bytes = Math.min(this.faults.corruptTo, length) - corruptFrom;
    return bytes > 0 ? corruptFrom * 8 + this.corrupting.below(bytes * 8) : -1;
  }

  /** ns that a frame is late. */
  delay(): number {
    const { faults, counters } = this;
    let delay = 0;
    if (faults.delay !== null) {
      delay = faults.delay.sample(this.delaying);
      if (delay > 0) counters.delayed++;
    }
    if (faults.reorder > 0 && this.reordering.float() < faults.reorder) {
      delay += faults.reorderBy;
      counters.reordered++;
    }
    if (delay <= this.longest) return delay;
    counters.clipped++;
    return this.longest;
  }
}

/** A buffer of the link below that carries a copy. */
interface Carrier {
  buffer: TxBuffer;
  length: number;
}

class FaultyLink extends WrappedLink implements FaultLink {
  readonly faults: { readonly tx: FaultCounters; readonly rx: FaultCounters };
  private readonly clock: Pick<Waiter, "now">;
  private readonly tx: Direction;
  private readonly rx: Direction;

  private readonly slots: number;
  private readonly carriers: Carrier[] = [];
  private readonly vacant: number[] = [];
  /** Carriers that the link below still pins. */
  private readonly busy: number[] = [];
  private readonly late = createDeadlines();
  private retryAt = 0;

  private readonly kept: FrameSlots;
  private visit: ((frame: FrameView) => void) | null = null;
  private visited = 0;
  private open = true;
  private readonly meet = (frame: FrameView): void => this.arrive(frame);

  constructor(inner: Link, plan: FaultPlan, options: FaultOptions) {
    super(inner);
    const longest = options.longestDelay ?? Infinity;
    this.clock = options.clock;
    this.slots = options.slots ?? 256;
    this.tx = new Direction("tx", plan.tx, options.random, longest);
    this.rx = new Direction("rx", plan.rx, options.random, longest);
    this.faults = { tx: this.tx.counters, rx: this.rx.counters };
    this.kept = new FrameSlots(this.slots, ethernet.LENGTH + inner.mtu);
  }

  setPlan(plan: FaultPlan): void {
    this.tx.faults = plan.tx;
    this.rx.faults = plan.rx;
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    if (!this.open) return this.inner.transmit(buffer, length);
    if (length < ethernet.LENGTH || length > buffer.bytes.length) {
      throw new Error(
        `invariant: a frame of ${length} in a buffer of ${buffer.bytes.length} bytes`,
      );
    }
    const now = this.clock.now();
    if (this.late.next() <= now) this.sendLate(now);
    const { tx } = this;
    const { counters } = tx;
    if (tx.drops()) {
      counters.frames++;
      counters.dropped++;
      return true;
    }
    const bit = tx.corruptBit(length);
    const twice = tx.duplicates();
    const delay = tx.delay();
    let carrier = -1;
    if (bit >= 0 || delay > 0) {
      carrier = this.load(buffer, length);
      if (carrier < 0) counters.crowded++;
      else if (bit >= 0) flip((this.carriers[carrier] as Carrier).buffer.bytes, 0, bit);
    }
    if (!(carrier < 0 ? this.inner.transmit(buffer, length) : this.send(carrier, now, delay))) {
      return false;
    }
    counters.frames++;
    if (carrier >= 0 && bit >= 0) counters.corrupted++;
    if (twice)
      this.double(carrier < 0 ? buffer : (this.carriers[carrier] as Carrier).buffer, length, now);
    return true;
  }

  private double(source: TxBuffer, length: number, now: number): void {
    const { tx } = this;
    const carrier = this.load(source, length);
    if (carrier < 0) tx.counters.crowded++;
    else if (this.send(carrier, now, tx.delay())) tx.counters.duplicated++;
  }

  /** A vacant carrier with a copy of the frame; -1: none is left. */
  private load(source: TxBuffer, length: number): number {
    let handle = this.vacant.pop() ?? -1;
    const size = Math.max(length, ethernet.LENGTH + this.inner.mtu);
    if (handle < 0) {
      if (this.carriers.length >= this.slots) return -1;
      const buffer = this.inner.allocate(size);
      if (buffer === null) return -1;
      handle = this.carriers.push({ buffer, length }) - 1;
    }
    const carrier = this.carriers[handle] as Carrier;
    if (carrier.buffer.bytes.length < length) {
      // The MTU has grown since.
      const larger = this.inner.allocate(size);
      if (larger === null) {
        this.vacant.push(handle);
        return -1;
      }
      this.inner.free(carrier.buffer);
      carrier.buffer = larger;
    }
    const to = carrier.buffer.bytes;
    const from = source.bytes;
    if (from.length <= to.length) to.set(from);
    else for (let i = 0; i < length; i++) to[i] = from[i] as number;
    carrier.length = length;
    return handle;
  }

  /** Sends a carrier, `delay` later; false: no room, and it is vacant again. */
  private send(handle: number, now: number, delay: number): boolean {
    if (delay > 0) {
      this.late.set(handle, now + delay);
      return true;
    }
    const carrier = this.carriers[handle] as Carrier;
    const sent = this.inner.transmit(carrier.buffer, carrier.length);
    if (carrier.buffer.pins === 0) this.vacant.push(handle);
    else this.busy.push(handle);
    return sent;
  }

  /** Sends every late frame that is due, unless the link below was full a moment ago. */
  private sendLate(now: number): void {
    if (now < this.retryAt) return;
    while (this.late.next() <= now) {
      const handle = this.late.first();
      const carrier = this.carriers[handle] as Carrier;
      if (!this.inner.transmit(carrier.buffer, carrier.length)) {
        this.retryAt = now + RETRY;
        return;
      }
      this.late.clear(handle);
      if (carrier.buffer.pins === 0) this.vacant.push(handle);
      else this.busy.push(handle);
    }
  }

  override reclaim(): number {
    if (this.late.size > 0) this.sendLate(this.clock.now());
    const idle = this.inner.reclaim();
    if (this.busy.length === 0) return idle;
    // Carriers are among those that became idle: the core must not hear of them.
    let kept = 0;
    for (let i = 0; i < this.busy.length; i++) {
      const handle = this.busy[i] as number;
      if ((this.carriers[handle] as Carrier).buffer.pins > 0) this.busy[kept++] = handle;
      else this.vacant.push(handle);
    }
    const ours = this.busy.length - kept;
    this.busy.length = kept;
    return idle - ours;
  }

  override receive(visit: (frame: FrameView) => void, limit: number): number {
    if (!this.open) return 0;
    this.visit = visit;
    this.visited = 0;
    const { due } = this.kept;
    if (due.size > 0) this.handOn(limit);
    if (this.visited < limit) {
      this.inner.receive(this.meet, limit - this.visited);
      if (due.size > 0) this.handOn(limit);
    }
    return this.visited;
  }

  /** Visits kept frames that are due, until `limit` frames were visited in all. */
  private handOn(limit: number): void {
    const now = this.clock.now();
    while (this.open && this.visited < limit) {
      const slot = this.kept.pop(now);
      if (slot < 0) return;
      this.visited++;
      (this.visit as (frame: FrameView) => void)(this.kept.frame);
      this.kept.release(slot);
    }
  }

  private arrive(frame: FrameView): void {
    const { rx, kept } = this;
    const { counters } = rx;
    counters.frames++;
    if (rx.drops()) {
      counters.dropped++;
      return;
    }
    // Inside visit the frame's memory is ours alone: the bit is flipped in place, and back after.
    const bit = rx.corruptBit(frame.length);
    if (bit >= 0) {
      flip(frame.bytes, frame.base, bit);
      counters.corrupted++;
    }
    const twice = rx.duplicates();
    const delay = rx.delay();
    if (delay === 0 || !kept.keep(frame, frame.at + delay)) {
      if (delay > 0) counters.crowded++;
      this.visited++;
      (this.visit as (frame: FrameView) => void)(frame);
    }
    if (twice) {
      if (kept.keep(frame, frame.at + rx.delay())) counters.duplicated++;
      else counters.crowded++;
    }
    if (bit >= 0) flip(frame.bytes, frame.base, bit);
  }

  override nextDeadline(): number {
    const below = this.inner.nextDeadline();
    if (!this.open) return below;
    const late = Math.max(this.late.next(), this.retryAt);
    return Math.min(below, this.late.size > 0 ? late : Infinity, this.kept.due.next());
  }

  override close(): void {
    this.open = false;
    this.inner.close();
  }
}

function flip(bytes: Uint8Array, base: number, bit: number): void {
  const at = base + (bit >>> 3);
  bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
}
