// Whose each buffer is: the accounting that all strategies share.
//
//             own                        disown, pins > 0
//   IDLE ───────────▶ OWNED ────────────────────────────────▶ HELD (pinned-only)
//    ▲ ▲                │ disown, pins = 0                      │
//    │ └────────────────┘                                       │ settle: the link released
//    └──────────────────────────────────────────────────────────┘
//
// A buffer's slot is its `index` at the link; per slot a state, two times, and a place in a list.
//
// The held buffers stand in a list in the order in which their commands ended, which is about the order
// of their transmits, in which a link releases them. So `settle(count)`, which walks it from the oldest until it
// has found `count` that are free, looks at few that are not:
//
//   oldest  [released] [still pinned] [released] [still pinned] …      count = 2: three steps
//
// The link counts what became idle while a command still owned it too. Then fewer are found, and the
// walk is over all that are held.
//
// Asserted always: a buffer is owned once, by whom it was given to, and never while pinned; created ≤
// preallocated + cap. Under `verify` besides: after each step idle + owned + held = created by a walk over
// all, and idle memory is filled with POISON, so that a write by one that does not own it is found.

import type { Link, TxBuffer } from "../../link/link.ts";
import type { Metrics } from "./metrics.ts";
import type { Leak } from "./snapshot.ts";

const ABSENT = 0;
const IDLE = 1;
const OWNED = 2;
const HELD = 3;

/** No neighbour in the list of the held. */
const NONE = -1;

/** What idle memory is filled with under `verify`. */
const POISON = 0xdb;

export class Ledger {
  readonly link: Link;
  readonly bufferBytes: number;
  readonly verify: boolean;
  readonly metrics: Metrics;
  /** By slot; null: not a buffer of this pool. */
  buffers: (TxBuffer | null)[] = [];
  /** Told when a buffer goes from HELD to IDLE. */
  onIdle: ((slot: number, now: number) => void) | null = null;

  private state: Uint8Array = new Uint8Array(0);
  private acquiredAt: Float64Array = new Float64Array(0);
  private newer: Int32Array = new Int32Array(0);
  private older: Int32Array = new Int32Array(0);
  private oldest = NONE;
  private newest = NONE;
  private closed = false;

  constructor(link: Link, bufferBytes: number, metrics: Metrics, verify: boolean) {
    this.link = link;
    this.bufferBytes = bufferBytes;
    this.metrics = metrics;
    this.verify = verify;
  }

  get owned(): number {
    return this.metrics.occupancy.now;
  }

  get idle(): number {
    return this.metrics.created - this.metrics.occupancy.now - this.metrics.held.now;
  }

  /** Another buffer for a frame of its own: counted as preallocated. Null: the link said no. */
  allocateOwn(): TxBuffer | null {
    const buffer = this.allocate();
    if (buffer !== null) this.metrics.preallocated++;
    return buffer;
  }

  /** Another buffer of the headroom. Null: the link said no. Asking beyond the cap is a fault of the strategy. */
  allocateHeadroom(now: number): TxBuffer | null {
    const { metrics } = this;
    if (metrics.poolLength >= metrics.cap) {
      throw new Error(`invariant: created ≤ preallocated + cap (${metrics.cap})`);
    }
    const buffer = this.allocate();
    if (buffer === null) {
      metrics.allocationFailures++;
      return null;
    }
    metrics.allocations++;
    metrics.fresh++;
    metrics.lengthen(1, now);
    return buffer;
  }

  /** Gives an idle buffer of the headroom back to the link. */
  giveBack(slot: number, now: number): void {
    this.metrics.lengthen(-1, now);
    this.free(slot);
  }

  /** A command takes an idle buffer. */
  own(buffer: TxBuffer, now: number): void {
    const slot = buffer.index;
    const { metrics } = this;
    if (this.state[slot] !== IDLE || buffer.pins !== 0) this.unexpected(buffer, now);
    if (this.verify) this.checkPoison(slot, buffer);
    this.state[slot] = OWNED;
    this.acquiredAt[slot] = now;
    metrics.acquires++;
    metrics.occupancy.set(metrics.occupancy.now + 1, now);
    if (this.verify) this.check();
  }

  /** A command gives its buffer back; whether it is idle at once. */
  disown(buffer: TxBuffer, now: number): boolean {
    const slot = buffer.index;
    const { metrics } = this;
    if (this.state[slot] !== OWNED || this.buffers[slot] !== buffer) throw notOwned(slot);
    metrics.hold.record(now - (this.acquiredAt[slot] ?? 0));
    metrics.occupancy.set(metrics.occupancy.now - 1, now);
    const idle = buffer.pins === 0;
    if (idle) this.becomeIdle(slot);
    else this.becomeHeld(slot, now);
    if (this.verify) this.check();
    return idle;
  }

  /** Finds at most `count` held buffers that the link has released; Infinity: all there are. */
  settle(count: number, now: number): void {
    let left = count;
    let slot = this.oldest;
    while (left > 0 && slot !== NONE) {
      const newer = this.newer[slot] ?? NONE;
      if (this.buffers[slot]?.pins === 0) {
        left--;
        this.unpinned(slot, now);
      }
      slot = newer;
    }
    if (this.verify) this.check();
  }

  /** Since when commands have had their buffers: Σ (now − acquired) over all that are owned. */
  holdOpen(now: number): number {
    let sum = 0;
    for (let slot = 0; slot < this.buffers.length; slot++) {
      if (this.state[slot] === OWNED) sum += now - (this.acquiredAt[slot] ?? 0);
    }
    return sum;
  }

  /** Buffers with pins at this moment, by looking at each. */
  pinned(): number {
    let pinned = 0;
    for (const buffer of this.buffers) if (buffer !== null && buffer.pins > 0) pinned++;
    return pinned;
  }

  check(): void {
    let idle = 0;
    let owned = 0;
    let held = 0;
    for (let slot = 0; slot < this.buffers.length; slot++) {
      const state = this.state[slot];
      const buffer = this.buffers[slot];
      if ((buffer == null) !== (state === ABSENT)) {
        throw new Error(`invariant: slot ${slot} has a buffer and a state, or neither`);
      }
      if (state === IDLE) idle++;
      else if (state === OWNED) owned++;
      else if (state === HELD) held++;
      if (state === IDLE && buffer?.pins !== 0) {
        throw new Error(`invariant: buffer ${slot} is idle and has ${buffer?.pins} pins`);
      }
    }
    const { created, preallocated, cap } = this.metrics;
    const counted = owned === this.owned && held === this.metrics.held.now;
    if (!counted || idle + owned + held !== created) {
      throw new Error(
        `invariant: idle ${idle} + owned ${owned} + pinned-only ${held} = created ${created}`,
      );
    }
    if (!this.closed && created !== preallocated + this.metrics.poolLength) {
      throw new Error(`invariant: created ${created} = preallocated ${preallocated} + headroom`);
    }
    if (created > preallocated + cap) {
      throw new Error(`invariant: created ${created} ≤ preallocated ${preallocated} + cap ${cap}`);
    }
  }

  leaks(now: number): Leak[] {
    const leaks: Leak[] = [];
    for (let slot = 0; slot < this.buffers.length; slot++) {
      const state = this.state[slot];
      const buffer = this.buffers[slot];
      if (buffer == null || state === IDLE) continue;
      const age = now - (this.acquiredAt[slot] ?? now);
      leaks.push({ index: slot, pins: buffer.pins, owned: state === OWNED, age_ns: age });
    }
    return leaks;
  }

  /** Frees all that is idle, for good; how many are left. */
  close(now: number): number {
    this.closed = true;
    this.settle(Infinity, now);
    for (let slot = 0; slot < this.buffers.length; slot++) {
      if (this.state[slot] === IDLE) this.free(slot);
    }
    return this.metrics.created;
  }

  private allocate(): TxBuffer | null {
    const buffer = this.link.allocate(this.bufferBytes);
    if (buffer === null) return null;
    const slot = buffer.index;
    if (slot >= this.state.length) this.widen(slot);
    if (this.state[slot] !== ABSENT) throw new Error(`invariant: slot ${slot} is allocated once`);
    if (buffer.pins !== 0) throw new Error(`invariant: the link allocates unpinned buffers`);
    while (this.buffers.length < slot) this.buffers.push(null);
    this.buffers[slot] = buffer;
    this.metrics.created++;
    if (this.metrics.created > this.metrics.createdPeak) {
      this.metrics.createdPeak = this.metrics.created;
    }
    this.becomeIdle(slot);
    return buffer;
  }

  private free(slot: number): void {
    const buffer = this.buffers[slot];
    if (buffer == null || this.state[slot] !== IDLE) {
      throw new Error(`invariant: buffer ${slot} is idle when it is freed`);
    }
    this.state[slot] = ABSENT;
    this.buffers[slot] = null;
    this.metrics.created--;
    this.link.free(buffer);
  }

  /** The link holds the held buffer in `slot` no longer. */
  private unpinned(slot: number, now: number): void {
    const { metrics } = this;
    this.remove(slot);
    metrics.pin.record(now - (this.acquiredAt[slot] ?? 0));
    metrics.held.set(metrics.held.now - 1, now);
    this.becomeIdle(slot);
    this.onIdle?.(slot, now);
  }

  private becomeHeld(slot: number, now: number): void {
    const { held } = this.metrics;
    this.append(slot);
    this.state[slot] = HELD;
    held.set(held.now + 1, now);
  }

  private becomeIdle(slot: number): void {
    this.state[slot] = IDLE;
    if (this.verify) this.buffers[slot]?.bytes.fill(POISON);
  }

  /** Not known to be idle and about to be owned: what the link released without a report so far, or a fault. */
  private unexpected(buffer: TxBuffer, now: number): void {
    const slot = buffer.index;
    if (buffer.pins !== 0) throw new Error(`invariant: buffer ${slot} is handed out while pinned`);
    if (this.state[slot] !== HELD || this.buffers[slot] !== buffer) {
      throw new Error(`invariant: buffer ${slot} is handed out to one owner`);
    }
    this.unpinned(slot, now);
  }

  private checkPoison(slot: number, buffer: TxBuffer): void {
    const { bytes } = buffer;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== POISON) {
        throw new Error(`invariant: buffer ${slot} was written at ${i} while nobody owned it`);
      }
    }
  }

  private append(slot: number): void {
    this.older[slot] = this.newest;
    this.newer[slot] = NONE;
    if (this.newest === NONE) this.oldest = slot;
    else this.newer[this.newest] = slot;
    this.newest = slot;
  }

  private remove(slot: number): void {
    const older = this.older[slot] ?? NONE;
    const newer = this.newer[slot] ?? NONE;
    if (older === NONE) this.oldest = newer;
    else this.newer[older] = newer;
    if (newer === NONE) this.newest = older;
    else this.older[newer] = older;
  }

  private widen(slot: number): void {
    const slots = Math.max(64, slot + 1, this.state.length * 2);
    this.state = wider(new Uint8Array(slots), this.state);
    this.acquiredAt = wider(new Float64Array(slots), this.acquiredAt);
    this.newer = wider(new Int32Array(slots), this.newer);
    this.older = wider(new Int32Array(slots), this.older);
  }
}

function notOwned(slot: number): Error {
  return new Error(`invariant: buffer ${slot} is released by its owner`);
}

function wider<A extends Uint8Array | Int32Array | Float64Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
