// Whose each buffer is: the accounting that all strategies share.
//
//             own                        disown, pins > 0
//   IDLE ───────────▶ OWNED ────────────────────────────────▶ HELD (pinned-only)
//    ▲ ▲                │ disown, pins = 0                      │
//    │ └────────────────┘                                       │ settle: the link let go
//    └──────────────────────────────────────────────────────────┘
//
// A buffer's slot is its `index` at the link; per slot a state, two times, and a place in a list.
//
// The watch list holds the slots that may be pinned, in the order in which they were acquired, which is
// the order of their transmits and, nearly always, that in which a link lets go. `settle(count)` walks
// it from the oldest until it has found `count` that are free of pins. So it looks at few that are not:
//
//   oldest  [let go] [let go] [still pinned] [still pinned] …      count = 2: two steps
//   oldest  [stuck] [stuck] [let go] [still pinned] …              count = 1: three steps, and then
//           [still pinned] … [stuck] [stuck]                       the overtaken go behind the rest
//
// Asserted always: a buffer is owned once, by whom it was given to, and never while pinned; created ≤
// preallocated + cap. Under `verify` besides: after each step idle + owned + held = created by a walk over
// all, and idle memory is filled with POISON, so that whoever writes to what is not his is found out.

import type { Link, TxBuffer } from "../../link/link.ts";
import type { Metrics } from "./metrics.ts";
import type { Leak } from "./pool.ts";

const ABSENT = 0;
const IDLE = 1;
const OWNED = 2;
const HELD = 3;

/** No neighbour in the watch list; not in the list at all. */
const NONE = -1;
const UNWATCHED = -2;

/** What idle memory is filled with under `verify`. */
export const POISON = 0xdb;

export class Ledger {
  readonly link: Link;
  readonly bufferBytes: number;
  readonly verify: boolean;
  readonly metrics: Metrics;
  owned = 0;
  idle = 0;
  /** Allocations that succeeded, whatever for. */
  allocated = 0;
  /** By slot; null: not a buffer of this pool. */
  buffers: (TxBuffer | null)[] = [];
  /** Told when a buffer goes from HELD to IDLE. */
  onIdle: ((slot: number, now: number) => void) | null = null;

  private state: Uint8Array = new Uint8Array(0);
  private poisoned: Uint8Array = new Uint8Array(0);
  private acquiredAt: Float64Array = new Float64Array(0);
  private pinnedSince: Float64Array = new Float64Array(0);
  private newer: Int32Array = new Int32Array(0);
  private older: Int32Array = new Int32Array(0);
  private oldest = NONE;
  private newest = NONE;
  private held = 0;
  private closed = false;

  constructor(link: Link, bufferBytes: number, metrics: Metrics, verify: boolean) {
    this.link = link;
    this.bufferBytes = bufferBytes;
    this.metrics = metrics;
    this.verify = verify;
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
    if (buffer.pins !== 0) throw new Error(`invariant: buffer ${slot} is handed out while pinned`);
    // The link let go of it and the report of that is still to come.
    if (this.state[slot] === HELD) this.letGo(slot, now);
    if (this.state[slot] !== IDLE || this.buffers[slot] !== buffer) {
      throw new Error(`invariant: buffer ${slot} is handed out to one owner`);
    }
    if (this.poisoned[slot] === 1) this.checkPoison(slot, buffer);
    this.state[slot] = OWNED;
    this.idle--;
    this.owned++;
    this.acquiredAt[slot] = now;
    this.pinnedSince[slot] = now;
    this.watch(slot);
    this.metrics.acquires++;
    this.metrics.occupancy.set(this.owned, now);
    if (this.verify) this.check();
  }

  /** A command gives its buffer back; whether it is idle at once. */
  disown(buffer: TxBuffer, now: number): boolean {
    const slot = buffer.index;
    if (this.state[slot] !== OWNED || this.buffers[slot] !== buffer) {
      throw new Error(`invariant: buffer ${slot} is released by its owner`);
    }
    const { metrics } = this;
    this.owned--;
    metrics.releases++;
    metrics.hold.record(now - (this.acquiredAt[slot] ?? 0));
    metrics.occupancy.set(this.owned, now);
    if (buffer.pins === 0) {
      if (this.older[slot] !== UNWATCHED) this.unwatch(slot);
      this.becomeIdle(slot);
      if (this.verify) this.check();
      return true;
    }
    if (this.older[slot] === UNWATCHED) {
      // Let go of once, and pinned anew by a resend: since when is not known, so from now on.
      this.pinnedSince[slot] = now;
      this.watch(slot);
    }
    this.state[slot] = HELD;
    this.held++;
    metrics.held.set(this.held, now);
    if (this.verify) this.check();
    return false;
  }

  /**
   * Finds `count` buffers that the link says it has let go of. Infinity: it said nothing; all the held
   * ones that are free after all (an owned one without pins may just not have been transmitted yet).
   */
  settle(count: number, now: number): void {
    const last = this.newest;
    let left = count;
    let slot = this.oldest;
    let overtaken = NONE;
    while (left > 0 && slot !== NONE) {
      const newer = slot === last ? NONE : (this.newer[slot] ?? NONE);
      if (this.buffers[slot]?.pins !== 0 || (count === Infinity && this.state[slot] === OWNED)) {
        if (overtaken === NONE) overtaken = slot;
      } else {
        // Slots from `overtaken` up to this one are still pinned, while a newer one is free.
        if (overtaken !== NONE) {
          this.moveBehind(overtaken, this.older[slot] ?? NONE);
          overtaken = NONE;
        }
        left--;
        this.letGo(slot, now);
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

  /** Whether the buffer in `slot` is held by the link alone, as far as was reported. */
  isHeld(slot: number): boolean {
    return this.state[slot] === HELD;
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
      if (state === HELD && this.older[slot] === UNWATCHED) {
        throw new Error(`invariant: buffer ${slot} is held and nobody watches it`);
      }
    }
    const { created, preallocated, cap } = this.metrics;
    const counted = idle === this.idle && owned === this.owned && held === this.held;
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
      const owned = state === OWNED;
      const since = owned ? this.acquiredAt[slot] : this.pinnedSince[slot];
      leaks.push({ index: slot, pins: buffer.pins, owned, age_ns: now - (since ?? now) });
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
    this.older[slot] = UNWATCHED;
    this.allocated++;
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
    this.poisoned[slot] = 0;
    this.buffers[slot] = null;
    this.idle--;
    this.metrics.created--;
    this.link.free(buffer);
  }

  /** The link holds the watched buffer in `slot` no longer. */
  private letGo(slot: number, now: number): void {
    const { metrics } = this;
    this.unwatch(slot);
    metrics.pin.record(now - (this.pinnedSince[slot] ?? 0));
    if (this.state[slot] !== HELD) return;
    this.held--;
    metrics.held.set(this.held, now);
    this.becomeIdle(slot);
    this.onIdle?.(slot, now);
  }

  private becomeIdle(slot: number): void {
    this.state[slot] = IDLE;
    this.idle++;
    if (!this.verify) return;
    this.buffers[slot]?.bytes.fill(POISON);
    this.poisoned[slot] = 1;
  }

  private checkPoison(slot: number, buffer: TxBuffer): void {
    this.poisoned[slot] = 0;
    const { bytes } = buffer;
    for (let i = 0; i < bytes.length; i++) {
      if (bytes[i] !== POISON) {
        throw new Error(`invariant: buffer ${slot} was written at ${i} while nobody owned it`);
      }
    }
  }

  private watch(slot: number): void {
    this.older[slot] = this.newest;
    this.newer[slot] = NONE;
    if (this.newest === NONE) this.oldest = slot;
    else this.newer[this.newest] = slot;
    this.newest = slot;
  }

  private unwatch(slot: number): void {
    const older = this.older[slot] ?? NONE;
    const newer = this.newer[slot] ?? NONE;
    if (older === NONE) this.oldest = newer;
    else this.newer[older] = newer;
    if (newer === NONE) this.newest = older;
    else this.older[newer] = older;
    this.older[slot] = UNWATCHED;
  }

  /** Moves the stretch `first` … `end` of the watch list, which is not its newest end, behind all others. */
  private moveBehind(first: number, end: number): void {
    const before = this.older[first] ?? NONE;
    const after = this.newer[end] ?? NONE;
    if (before === NONE) this.oldest = after;
    else this.newer[before] = after;
    this.older[after] = before;
    this.newer[this.newest] = first;
    this.older[first] = this.newest;
    this.newer[end] = NONE;
    this.newest = end;
  }

  private widen(slot: number): void {
    const slots = Math.max(64, slot + 1, this.state.length * 2);
    this.state = wider(new Uint8Array(slots), this.state);
    this.poisoned = wider(new Uint8Array(slots), this.poisoned);
    this.acquiredAt = wider(new Float64Array(slots), this.acquiredAt);
    this.pinnedSince = wider(new Float64Array(slots), this.pinnedSince);
    this.newer = wider(new Int32Array(slots), this.newer);
    this.older = wider(new Int32Array(slots), this.older);
  }
}

function wider<A extends Uint8Array | Int32Array | Float64Array>(to: A, from: A): A {
  to.set(from);
  return to;
}
