// A store that fails on order: for tests, since a disk that returns EIO is hard to come by.

import type { Memory } from "../../link/link.ts";
import { EIO } from "../../sys/errno.ts";
import { DONE, PENDING, type Store } from "./store.ts";

export interface Flaws {
  /** Reads that touch one of these fail with EIO there. */
  badSectors?: readonly number[];
  /** The errno of a write at this sector, of a flush; 0: none. */
  writeErrno?: (lba: number) => number;
  flushErrno?: () => number;
  /** Every operation ends only when `poll` is called for the so-manieth time after it. */
  polls?: number;
}

interface Operation {
  readonly token: number;
  readonly result: number;
  readonly good: number;
  polls: number;
}

/** `inner` with flaws, which may be changed at any time. */
export function createFaultyStore(inner: Store, flaws: Flaws): Store {
  const operations: Operation[] = [];
  const later = (token: number, result: number, good: number): number => {
    if (flaws.polls === undefined) {
      store.good = good;
      return result;
    }
    operations.push({ token, result, good, polls: flaws.polls });
    return PENDING;
  };
  const store = {
    get sectors() {
      return inner.sectors;
    },
    resize: (sectors: number) => inner.resize?.(sectors),
    writable: inner.writable,
    asynchronous: flaws.polls !== undefined,
    synchronous: inner.synchronous,
    good: 0,
    read(lba: number, sectors: number, memory: Memory, offset: number, token: number): number {
      const bad = (flaws.badSectors ?? []).filter((at) => at >= lba && at < lba + sectors);
      const good = bad.length === 0 ? sectors : Math.min(...bad) - lba;
      const result = inner.read(lba, good, memory, offset, token);
      return later(token, result === DONE && bad.length > 0 ? EIO : result, good);
    },
    write(lba: number, sectors: number, memory: Memory, offset: number, token: number): number {
      for (let good = 0; good < sectors; good++) {
        const errno = flaws.writeErrno?.(lba + good) ?? 0;
        if (errno === 0) continue;
        inner.write(lba, good, memory, offset, token);
        return later(token, errno, good);
      }
      return later(token, inner.write(lba, sectors, memory, offset, token), sectors);
    },
    flush(token: number): number {
      const errno = flaws.flushErrno?.() ?? 0;
      return later(token, errno === 0 ? inner.flush(token) : errno, 0);
    },
    poll(ended: (token: number, errno: number, good: number) => void): void {
      for (const operation of operations.splice(0)) {
        if (--operation.polls > 0) operations.push(operation);
        else ended(operation.token, operation.result, operation.good);
      }
    },
    close: () => inner.close(),
  };
  return store;
}
