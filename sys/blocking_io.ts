// File operations that may take milliseconds — fdatasync, O_DIRECT, a cold page, a durable write — done
// beside the loop that answers frames:
//
//   read, write, sync ─▶ kernel thread (io_uring) or a Worker ─▶ `fd` readable ─▶ reap ─▶ ended(token, result)
//
// The bytes belong to the operation until it has ended, so they live in memory that holds still
// (sys/memory.ts). Operations end in any order: who needs one waits for the end of the one before.
/** `result`: bytes moved, 0 for a sync, or -errno. */
export type IoEnded = (token: number, result: number) => void;

export type BlockingKind = "io_uring" | "worker";

export interface BlockingIo {
  readonly kind: BlockingKind;
  /** Why it is not io_uring; empty where it is, or where that was asked for. */
  readonly reason: string;
  /** Readable once something has ended that no `reap` has told yet. */
  readonly fd: number;
  /** Begun and not yet told. */
  readonly pending: number;
  /** `length` bytes from `position` to `address`; `token` is 0 … 2^31 − 1 and not in use. */
  read(fd: number, address: number, length: number, position: number, token: number): void;
  write(fd: number, address: number, length: number, position: number, token: number): void;
  /** fdatasync: covers every write that has ended before. */
  sync(fd: number, token: number): void;
  /** Tells what has ended, without waiting; how many that were. */
  reap(ended: IoEnded): number;
  /** Takes back the readiness of `fd`. */
  drain(): void;
  /** Everything must have ended. */
  close(): void;
}
