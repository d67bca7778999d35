// The seam between a device and its transmit buffers: what the 2007 message is about.
//
// A device has *frames* (slots for outstanding commands) and needs an idle *buffer* for each command
// it sends. A buffer stays *pinned* for as long as the link holds it, which may be long after the
// answer came. The strategies of this folder differ in what they do then.
//
//   acquire ──▶ owned ──(release)──▶ idle, or pinned-only until the link releases
//
// Invariants (asserted): idle + owned + pinned-only = created; created ≤ preallocated + cap; one
// owner per buffer; `acquire` never returns a pinned buffer.
//
// What a device does with it:
//
//   send      acquire(now); null: with commands outstanding wait for an answer; with none outstanding
//             (`owned` is 0) set the kick's deadline, and when it fires call kicked() and try again
//   answer    release(buffer, now), then try to send
//   reclaim   reclaimed(count, now); where `redrivenByReclaim`, or by the option `--kick on-release`,
//             try to send what found no buffer
//   loop      advance(now) when nextDeadline() has come
//   end       release all, then teardown.ts

import type { TxBuffer } from "../../link/link.ts";
import type { PoolSnapshot, Leak, PoolLevels, PoolMetrics } from "./snapshot.ts";

export interface Pool {
  readonly name: string;
  /** Whether a release by the link should make the device try again at once (`completion`, `both`). */
  readonly redrivenByReclaim: boolean;
  /** Whether a command ends only when the link has released its buffer, too (only `both`). */
  readonly endsAtRelease: boolean;
  /** Commands that can be outstanding through this pool at once; Infinity: as many as there is memory. */
  readonly frames: number;
  /**
   * An idle buffer, now owned by the caller, its content undefined; null: none now. `now` in ns.
   * Null counts as `framesBusy` where every frame is out with a command, else as `dry`.
   */
  acquire(now: number): TxBuffer | null;
  /** The command that owned it has ended. It may still be pinned. */
  release(buffer: TxBuffer, now: number): void;
  /** The link lowered pins: `count` buffers became idle. */
  reclaimed(count: number, now: number): void;
  /** Buffers out with commands now. */
  readonly owned: number;
  readonly metrics: PoolMetrics & PoolLevels;
  /**
   * The device waits for a kick since `since`: dry, with nothing outstanding. -1: it waits no longer, and no kick has
   * fired. What a release wakes waits for no kick and says nothing.
   */
  stalled(since: number): void;
  /** The device's kick fired: it had been dry with nothing outstanding since `stalledSince` (or the last kick). */
  kicked(now: number, stalledSince: number): void;
  /** One command had room in the window and waited `duration` ns for its buffer; told once per command. */
  waited(duration: number): void;
  /** The warm-up is over: histograms and times start again, `snapshot` keeps the counts as they stand. */
  markWarm(now: number): void;
  /** When `advance` has something to do, ns; Infinity for all strategies but `completion` with headroom. */
  nextDeadline(): number;
  /** Gives headroom back that nobody needed for a while. */
  advance(now: number): void;
  /** Every figure as plain JSON, units in the names. */
  snapshot(now: number): PoolSnapshot;
  /** Walks every buffer and throws where an invariant is broken. For tests and `verify`. */
  check(): void;
  /** What the link still holds or a command still owns, each with how long its holder has had it. */
  leaks(now: number): Leak[];
  /** Frees what is idle; the rest is counted as leaked. True when nothing is left: call it again until then, or give up. */
  close(now: number): boolean;
}
