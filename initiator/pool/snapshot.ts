// What a pool tells of itself: counts, shape, metrics, leaks.

import type { HistogramSnapshot } from "../../statistics/histogram.ts";
import type { Level, LevelSnapshot } from "./level.ts";

/** What only grows. */
export interface Counts {
  readonly acquires: number;
  readonly releases: number;
  readonly allocations: number;
  readonly reuse_hits: number;
  readonly pool_touches: number;
  readonly head_blocked: number;
  readonly dry: number;
  readonly frames_busy: number;
  readonly allocation_failures: number;
  readonly given_back: number;
  readonly kicks: number;
  readonly kick_stall_ns: number;
}

/** What the pool knows beside its metrics. */
export interface PoolShape {
  readonly strategy: string;
  /** Most commands outstanding at once; null: no bound. */
  readonly frames: number | null;
  readonly buffer_bytes: number;
  readonly owned: number;
  readonly idle: number;
  /** Buffers that the link holds at this moment, owned by a command or not. */
  readonly pinned: number;
  /** Σ over the buffers out with commands now: how long each has been. */
  readonly hold_open_ns: number;
}

/** Everything, as plain JSON: no key ever vanishes. */
export interface PoolSnapshot extends PoolShape, Counts {
  /** null: no cap. */
  readonly cap: number | null;
  readonly preallocated: number;
  readonly created: number;
  readonly created_peak: number;
  readonly pool_length: number;
  readonly pool_length_peak: number;
  readonly bytes: number;
  readonly bytes_peak: number;
  readonly pinned_only: number;
  readonly pinned_only_peak: number;
  readonly leaked: number;
  readonly allocations_after_warm: number;
  readonly at_warm: Counts | null;
  readonly time_at_cap_ns: number;
  /** Σ over the buffers out at `markWarm`: how long each had been by then. */
  readonly hold_before_ns: number;
  readonly hold_ns: HistogramSnapshot;
  readonly pin_ns: HistogramSnapshot;
  readonly wait_ns: HistogramSnapshot;
  readonly dry_spell_ns: HistogramSnapshot;
  readonly occupancy: LevelSnapshot;
  readonly held_by_link: LevelSnapshot;
}

/** A buffer that could not be freed. */
export interface Leak {
  readonly index: number;
  readonly pins: number;
  readonly owned: boolean;
  readonly age_ns: number;
}

/** Counts since the pool was made; durations in ns. Histograms stand beside them in `metrics.ts`. */
export interface PoolMetrics {
  /** Buffers beyond the preallocated ones that exist now (Linux: nskbpool). */
  poolLength: number;
  /** Most of them; Infinity where there is no cap. */
  cap: number;
  /** Buffers that came with the frames: never given back. Grows with its frames in `lifo-swap`. */
  preallocated: number;
  /** Buffers that exist now. */
  created: number;
  /** Buffers allocated beyond the preallocated ones, ever. */
  allocations: number;
  /** Of these, since `markWarm`. */
  allocationsAfterWarm: number;
  /** `acquire` was served without an allocation. */
  reuseHits: number;
  /** The pool was asked because a frame's own buffer was pinned. */
  poolTouches: number;
  /** The pool's head was pinned while another of its buffers was idle. */
  headBlocked: number;
  /** `acquire` found a free frame and no buffer. */
  dry: number;
  /** `acquire` found every frame out with a command: the window is wider than the pool. */
  framesBusy: number;
  /** The link's allocate said no below the cap. */
  allocationFailures: number;
  /** Buffers of the headroom given back after a quiet period. */
  givenBack: number;
  kicks: number;
  /** Time spent dry with nothing outstanding, until a kick. */
  kickStall: number;
  /** When the last of them fired, ns. */
  kickedAt: number;
  /** Since when it waits for one, ns; -1: it does not. */
  stalledSince: number;
  /** Buffers pinned and owned by no command: now, and the most there were. */
  pinnedOnly: number;
  pinnedOnlyPeak: number;
  leaked: number;
}

/** Buffers over time: out with commands, pinned and owned by none, beyond the preallocated. */
export interface PoolLevels {
  readonly occupancy: Level;
  readonly held: Level;
  readonly extra: Level;
}
