// Where an export's sectors live. A store answers at once (DONE or an errno) or says PENDING and tells
// later, so that one interface fits a cached file, a worker, an io_uring and a store that fails on order.
//
//   read ──▶ DONE | errno           the common case: no queue, no copy, no allocation
//   read ──▶ PENDING ─ … ─▶ poll(done) ─▶ done(token, errno, good)
//
// A store that mostly answers at once and sometimes can't (a file whose pages may be cold) has `readNow`
// and `writeNow` as well: they do it now, without taking anything along, or say WOULD_WAIT.
//
// While an operation is pending the store owns the bytes that it was given: the caller copies what a
// link will take back (`asynchronous` says whether that can happen).

import type { Memory } from "../../link/link.ts";

/** The operation is over and did what it was asked. Every value above is an errno. */
export const DONE = 0;
/** The operation goes on; `poll` will name its token. */
export const PENDING = -1;

/** Nothing was begun: it can't be done without waiting. */
export const WOULD_WAIT = -2;

/** Of `measure`: the image at the path is another one by now. */
export const ANOTHER = -1;

/** `good`: how many sectors from the first were moved before the failure. */
export type Ended = (token: number, errno: number, good: number) => void;

/** Where ends of pending operations are told. */
export interface Completions {
  /** Calls `ended` for each operation that was pending and is over. */
  poll(ended: Ended): void;
  /** The end of an operation wakes the waiter, so that nobody need ask again and again. */
  readonly signals: boolean;
}

export interface Store {
  /** Changed by `resize` alone. */
  readonly sectors: number;
  readonly writable: boolean;
  /** Whether PENDING can be an answer. */
  readonly asynchronous: boolean;
  /** Whether a write that ended is durable, so that a flush has nothing to do. */
  readonly synchronous: boolean;
  /** Of the last call that returned an errno: the sectors moved before the failure. */
  readonly good: number;

  /** `sectors` from `lba` into `memory` at `offset`; the range is inside the store. */
  read(lba: number, sectors: number, memory: Memory, offset: number, token: number): number;
  write(lba: number, sectors: number, memory: Memory, offset: number, token: number): number;
  /** Makes every write that has ended durable. */
  flush(token: number): number;
  /** DONE, an errno, or WOULD_WAIT; absent where `read` and `write` are as good. */
  readNow?(lba: number, sectors: number, memory: Memory, offset: number): number;
  writeNow?(lba: number, sectors: number, memory: Memory, offset: number): number;
  /**
   * Where the sectors stand in memory, for a system call that copies them at once and may fail; 0: not known to be
   * there. Absent where a store has no such place.
   */
  addressOf?(lba: number, sectors: number): number;
  /** Calls `ended` for each operation that was pending and is over; not called where there is `completions`. */
  poll(ended: Ended): void;
  /** What tells the ends of this store's operations, and others', in place of `poll`. */
  readonly completions?: Completions;
  /**
   * Makes everything written durable, when nothing more is to come: `ended` hears 0 or an errno, at once or from within
   * `poll`. An errno, too, where a flush has failed before: one that succeeds now proves nothing (P25).
   */
  settle?(ended: (errno: number) => void): void;
  /**
   * Sectors that the image holds now of those that are to be served, or ANOTHER; throws a Failure where it can't be
   * served any more. `create`: the size in bytes that it is said to be made with. Absent where the size never changes.
   */
  measure?(create: number | null): number;
  /** Serves so many from now on, as `measure` said. */
  resize?(sectors: number): void;
  /** Gives the lock on the image up for a successor, or takes it back. */
  lock?(held: boolean): void;
  /** Closes what was opened for nothing, and removes the image if that was made for it. */
  undo?(): void;
  /** What is still pending ends before the descriptor does. */
  close(): void;
}
