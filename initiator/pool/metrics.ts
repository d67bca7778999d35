// What a pool counts and times, and its form as plain JSON.
//
// Counts run from the pool's birth; `markWarm` keeps a copy of them (`at_warm`), so that a reader of
// a snapshot may subtract. Histograms and time-weighted levels start again there. A stall counts when its kick ends it:
// what of it was before `markWarm` is told in `at_warm`, and what of one that lasts has passed stands in the snapshot.
//
//   a command   │ wait_ns │──────────── hold_ns ────────────│
//               due       acquire                           release
//   its buffer            │──────────────── pin_ns ─────────────────────│
//                                                           │pinned-only│
//
// pin_ns counts the pins that outlived their commands, from `acquire` (the transmit follows at once) until
// the link's report was heard. A pin that ended before did no harm and nobody saw it end: `releases` minus
// `pin_ns.count`, less `pinned_only`, tells how many.

import { COARSE, Histogram } from "../../statistics/histogram.ts";
import { Level } from "./level.ts";
import type { Counts, PoolShape, PoolLevels, PoolSnapshot, PoolMetrics } from "./snapshot.ts";

export class Metrics implements PoolMetrics, PoolLevels {
  poolLength = 0;
  cap: number;
  preallocated = 0;
  created = 0;
  allocations = 0;
  poolTouches = 0;
  headBlocked = 0;
  dry = 0;
  framesBusy = 0;
  allocationFailures = 0;
  givenBack = 0;
  kicks = 0;
  kickStall = 0;
  kickedAt = 0;
  stalledSince = -1;
  leaked = 0;
  acquires = 0;
  /** Buffers that were allocated for the command that had to have one. */
  fresh = 0;
  createdPeak = 0;
  poolLengthPeak = 0;

  /** How long commands owned their buffers. */
  readonly hold = new Histogram(COARSE);
  /** How long the link held those that it still held when their commands ended, from `acquire` on. */
  readonly pin = new Histogram(COARSE);
  /** How long commands waited for a buffer, by the device's word. */
  readonly wait = new Histogram(COARSE);
  /** From the first dry `acquire` to the next that was served. */
  readonly drySpell = new Histogram(COARSE);
  /** Buffers out with commands. */
  readonly occupancy: Level;
  /** Buffers that only the link holds. */
  readonly held: Level;
  /** Buffers beyond the preallocated. */
  readonly extra: Level;

  /** Σ over the buffers that were out at `markWarm`: how long each had been by then. */
  private holdBefore = 0;
  private warm: Counts | null = null;
  private warmAt = -1;
  private atCapSince = -1;
  private timeAtCap = 0;

  constructor(cap: number, mostBuffers: number) {
    this.cap = cap;
    this.occupancy = new Level(mostBuffers);
    this.held = new Level(mostBuffers);
    this.extra = new Level(mostBuffers);
  }

  get releases(): number {
    return this.acquires - this.occupancy.now;
  }

  get reuseHits(): number {
    return this.acquires - this.fresh;
  }

  get pinnedOnly(): number {
    return this.held.now;
  }

  get pinnedOnlyPeak(): number {
    return this.held.peak;
  }

  get allocationsAfterWarm(): number {
    return this.allocations - (this.warm?.allocations ?? 0);
  }

  /** One more or one less buffer of the headroom. */
  lengthen(by: number, now: number): void {
    this.poolLength += by;
    this.extra.set(this.poolLength, now);
    if (this.poolLength > this.poolLengthPeak) this.poolLengthPeak = this.poolLength;
    const atCap = this.cap > 0 && this.poolLength >= this.cap;
    if (atCap && this.atCapSince < 0) this.atCapSince = now;
    if (!atCap && this.atCapSince >= 0) {
      this.timeAtCap += now - this.atCapSince;
      this.atCapSince = -1;
    }
  }

  kicked(now: number, stalledSince: number): void {
    this.warm = this.warmUntil(stalledSince);
    this.kicks++;
    this.kickStall += now - stalledSince;
    this.kickedAt = now;
    this.stalledSince = -1;
  }

  /** `holdBefore`: Σ over the buffers out with commands now, how long each has been. */
  markWarm(now: number, holdBefore: number): void {
    this.warm = this.counts();
    this.warmAt = now;
    this.holdBefore = holdBefore;
    this.hold.reset();
    this.pin.reset();
    this.wait.reset();
    this.drySpell.reset();
    this.occupancy.clear(now);
    this.held.clear(now);
    this.extra.clear(now);
    this.timeAtCap = 0;
    if (this.atCapSince >= 0) this.atCapSince = now;
  }

  snapshot(now: number, pool: PoolShape): PoolSnapshot {
    return {
      ...pool,
      cap: Number.isFinite(this.cap) ? this.cap : null,
      preallocated: this.preallocated,
      created: this.created,
      created_peak: this.createdPeak,
      pool_length: this.poolLength,
      pool_length_peak: this.poolLengthPeak,
      bytes: this.created * pool.buffer_bytes,
      bytes_peak: this.createdPeak * pool.buffer_bytes,
      pinned_only: this.pinnedOnly,
      pinned_only_peak: this.pinnedOnlyPeak,
      leaked: this.leaked,
      ...this.counts(),
      kick_stall_ns: this.kickStall + (this.stalledSince < 0 ? 0 : now - this.stalledSince),
      allocations_after_warm: this.allocationsAfterWarm,
      at_warm: this.warmUntil(this.stalledSince),
      time_at_cap_ns: this.timeAtCap + (this.atCapSince < 0 ? 0 : now - this.atCapSince),
      hold_before_ns: this.holdBefore,
      hold_ns: this.hold.snapshot(),
      pin_ns: this.pin.snapshot(),
      wait_ns: this.wait.snapshot(),
      dry_spell_ns: this.drySpell.snapshot(),
      occupancy: this.occupancy.snapshot(now),
      held_by_link: this.held.snapshot(now),
    };
  }

  /** The counts at `markWarm`, with what a stall that began before it had taken by then. */
  private warmUntil(stalledSince: number): Counts | null {
    const { warm, warmAt } = this;
    if (warm === null || stalledSince < 0 || stalledSince >= warmAt) return warm;
    return { ...warm, kick_stall_ns: warm.kick_stall_ns + warmAt - stalledSince };
  }

  private counts(): Counts {
    return {
      acquires: this.acquires,
      releases: this.releases,
      allocations: this.allocations,
      reuse_hits: this.reuseHits,
      pool_touches: this.poolTouches,
      head_blocked: this.headBlocked,
      dry: this.dry,
      frames_busy: this.framesBusy,
      allocation_failures: this.allocationFailures,
      given_back: this.givenBack,
      kicks: this.kicks,
      kick_stall_ns: this.kickStall,
    };
  }
}
