// The seam between a device and its transmit buffers: what the 2007 message is about.
//
// A device has *frames* (slots for outstanding commands) and needs an idle *buffer* for each command
// it sends. A buffer stays *pinned* for as long as the link holds it, which may be long after the
// answer came. The strategies of this folder differ in what they do then.
//
//   acquire ──▶ owned ──(release)──▶ idle, or pinned-only until the link lets go
//
// Invariants (asserted): idle + owned + pinned-only = created; created ≤ preallocated + cap; one
// owner per buffer; `acquire` never returns a pinned buffer.

import type { TxBuffer } from "../../link/link.ts";

export interface Pool {
  readonly name: string;
  /** Whether a release by the link should make the device try again at once (only `completion`). */
  readonly redrivenByReclaim: boolean;
  /** An idle buffer, now owned by the caller; null: dry. `now` in ns. */
  acquire(now: number): TxBuffer | null;
  /** The command that owned it has ended. It may still be pinned. */
  release(buffer: TxBuffer, now: number): void;
  /** The link lowered pins: `count` buffers became idle. */
  reclaimed(count: number, now: number): void;
  /** Buffers out with commands now. */
  readonly owned: number;
  readonly metrics: PoolMetrics;
  /** Frees what is idle; the rest is counted as leaked. True when nothing is left: call it again until then, or give up. */
  close(now: number): boolean;
}

/** Counts since the pool was made; durations in ns. Histograms stand beside them in `metrics.ts`. */
export interface PoolMetrics {
  /** Buffers beyond the preallocated ones that exist now (Linux: nskbpool). */
  poolLength: number;
  cap: number;
  preallocated: number;
  created: number;
  /** Buffers allocated beyond the preallocated ones, ever. */
  allocations: number;
  /** `acquire` was served without an allocation. */
  reuseHits: number;
  /** The pool was asked because a frame's own buffer was pinned. */
  poolTouches: number;
  /** The pool's head was pinned while another of its buffers was idle. */
  headBlocked: number;
  /** `acquire` found no buffer. */
  dry: number;
  /** The link's allocate said no below the cap. */
  allocationFailures: number;
  leaked: number;
}
