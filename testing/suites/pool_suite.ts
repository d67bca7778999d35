// What every strategy keeps on every link: one suite, called by tests with a strategy and a link that
// holds what is transmitted until it is told to release.
//
// Counts that differ by strategy stand in EXPECTED; all else is the same for all.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { Link, TxBuffer } from "../../link/link.ts";
import {
  createPool,
  type PoolSettings,
  type StrategyName,
} from "../../initiator/pool/buffer_pool.ts";
import { littlesLaw } from "../../initiator/pool/littles_law.ts";
import type { Pool } from "../../initiator/pool/pool.ts";
import { Teardown } from "../../initiator/pool/teardown.ts";

/** A link under test. */
export interface Holder {
  readonly link: Link;
  /** False where a pinned buffer can't be sent again: its one slot is taken (the ring link). */
  readonly repins?: boolean;
  /** ns; all calls of the pool get this time. */
  now(): number;
  /** Makes a frame of `buffer`, whatever the link wants one to look like; its length. */
  fill(buffer: TxBuffer): number;
  /** Lets time pass, without a release of held buffers. */
  pass(ns: number): void;
  /** Makes the link release all that it holds; `reclaim` has not been called since. */
  release(): void | Promise<void>;
  close(): void | Promise<void>;
}

const PREALLOCATED = 4;
const CAP = 4;
const BYTES = 1514;
/** Enough to show that there is no bound. */
const MANY = 40;

interface Expected {
  /** Buffers that can be pinned at once, when commands end and the link holds all. */
  readonly reach: number;
  readonly preallocated: number;
  readonly poolLength: number;
  /** A command that finds its buffer idle again costs no allocation. */
  readonly reuses: boolean;
}

const EXPECTED: Readonly<Record<StrategyName, Expected>> = {
  fixed: { reach: PREALLOCATED, preallocated: PREALLOCATED, poolLength: 0, reuses: true },
  "scan-swap": {
    reach: PREALLOCATED + CAP,
    preallocated: PREALLOCATED,
    poolLength: CAP,
    reuses: true,
  },
  "lifo-swap": {
    reach: PREALLOCATED + CAP,
    preallocated: PREALLOCATED,
    poolLength: CAP,
    reuses: true,
  },
  "per-send": { reach: MANY, preallocated: 0, poolLength: MANY, reuses: false },
  uncapped: {
    reach: MANY,
    preallocated: PREALLOCATED,
    poolLength: MANY - PREALLOCATED,
    reuses: true,
  },
  completion: {
    reach: PREALLOCATED + CAP,
    preallocated: PREALLOCATED,
    poolLength: CAP,
    reuses: true,
  },
  // The pool's part of it is the same: when commands end is not the pool's affair.
  both: {
    reach: PREALLOCATED + CAP,
    preallocated: PREALLOCATED,
    poolLength: CAP,
    reuses: true,
  },
};

export function poolConformance(
  strategy: StrategyName,
  linkName: string,
  open: () => Holder | Promise<Holder>,
): void {
  const expected = EXPECTED[strategy];

  describe(`${strategy} over ${linkName}`, () => {
    let holder: Holder;
    let pool: Pool;

    beforeEach(async () => {
      holder = await open();
      pool = make({});
    });

    afterEach(async () => {
      pool.check();
      await holder.close();
    });

    function make(more: Partial<PoolSettings>): Pool {
      const { link } = holder;
      const settings = {
        link,
        frameBytes: BYTES,
        preallocated: PREALLOCATED,
        cap: CAP,
        verify: true,
      };
      return createPool({ strategy, ...settings, ...more });
    }

    function take(): TxBuffer {
      const buffer = pool.acquire(holder.now());
      if (buffer === null) throw new Error("the pool is dry");
      return buffer;
    }

    function send(buffer: TxBuffer): void {
      expect(holder.link.transmit(buffer, holder.fill(buffer))).toBe(true);
      holder.link.flush();
      holder.pass(1000);
    }

    /** Sends through as many buffers as there are, `window` at a time, all answered at once; how many. */
    function exhaust(window: number): number {
      let sent = 0;
      for (;;) {
        const out: TxBuffer[] = [];
        while (out.length < window && sent < MANY) {
          const buffer = pool.acquire(holder.now());
          if (buffer === null) break;
          send(buffer);
          expect(buffer.pins).toBeGreaterThan(0);
          out.push(buffer);
          sent++;
        }
        for (const buffer of out) pool.release(buffer, holder.now());
        if (out.length < window) return sent;
      }
    }

    async function release(): Promise<number> {
      await holder.release();
      const idle = holder.link.reclaim();
      pool.reclaimed(idle, holder.now());
      return idle;
    }

    test("buffers have one owner each, the size asked for, and no pins", () => {
      const out = new Set<TxBuffer>();
      for (let i = 0; i < PREALLOCATED; i++) {
        const buffer = take();
        expect(buffer.bytes.length).toBe(BYTES);
        expect(buffer.pins).toBe(0);
        expect(out.has(buffer)).toBe(false);
        out.add(buffer);
      }
      expect(pool.owned).toBe(PREALLOCATED);
      for (const buffer of out) pool.release(buffer, holder.now());
      expect(pool.owned).toBe(0);
    });

    test("what was never pinned is used again, and allocates no headroom", () => {
      for (let i = 0; i < MANY; i++) pool.release(take(), holder.now());
      expect(pool.metrics.allocations).toBe(expected.reuses ? 0 : MANY);
      expect(pool.metrics.poolTouches).toBe(0);
      expect(pool.metrics.poolLength).toBe(0);
    });

    test("a pinned buffer is not handed out, until it is dry at its bound", () => {
      expect(exhaust(PREALLOCATED)).toBe(expected.reach);
      expect(pool.metrics.pinnedOnly).toBe(expected.reach);
      expect(pool.metrics.preallocated).toBe(expected.preallocated);
      expect(pool.metrics.poolLength).toBe(expected.poolLength);
      expect(pool.metrics.created).toBe(expected.reach);
      expect(pool.metrics.dry).toBe(expected.reach === MANY ? 0 : 1);
      expect(pool.metrics.framesBusy).toBe(0);
    });

    test("when the link releases, as many can be sent again, with the same buffers", async () => {
      const first = exhaust(PREALLOCATED);
      expect(await release()).toBe(first);
      expect(pool.metrics.pinnedOnly).toBe(0);
      const { allocations } = pool.metrics;
      expect(exhaust(PREALLOCATED)).toBe(first);
      if (expected.reuses) expect(pool.metrics.allocations).toBe(allocations);
      expect(pool.metrics.created).toBe(first);
      await release();
      expect(exhaust(PREALLOCATED)).toBe(first);
    });

    test("a buffer pinned twice by a resend is not handed out before both pins are gone", async () => {
      const resent = take();
      send(resent);
      if (holder.repins === false) {
        expect(holder.link.transmit(resent, holder.fill(resent))).toBe(false);
        expect(resent.pins).toBe(1);
      } else {
        send(resent);
        expect(resent.pins).toBe(2);
      }
      pool.release(resent, holder.now());
      const others: TxBuffer[] = [];
      for (let i = 1; i < PREALLOCATED; i++) others.push(take());
      expect(others.includes(resent)).toBe(false);
      for (const buffer of others) pool.release(buffer, holder.now());
      await release();
      expect(pool.metrics.pinnedOnly).toBe(0);
      // In a pool, it is found when a frame's own buffer is pinned, not before.
      if (!expected.reuses || pool.metrics.poolLength > 0) return;
      const all = Array.from({ length: pool.metrics.created }, take);
      expect(all.includes(resent)).toBe(true);
    });

    test("a pin that ends before its command does leaves nothing behind", async () => {
      const early = take();
      send(early);
      await release();
      expect(early.pins).toBe(0);
      expect(pool.metrics.pinnedOnly).toBe(0);
      pool.release(early, holder.now());
      expect(pool.metrics.pinnedOnly).toBe(0);
      expect(pool.snapshot(holder.now()).pin_ns.count).toBe(0);
    });

    test("only the owner releases, and once", () => {
      const buffer = take();
      pool.release(buffer, holder.now());
      expect(() => pool.release(buffer, holder.now())).toThrow("invariant");
      const other = holder.link.allocate(BYTES);
      if (other === null) throw new Error("no memory");
      expect(() => pool.release(other, holder.now())).toThrow("invariant");
      holder.link.free(other);
    });

    test("every frame out with a command is not the same as dry", () => {
      if (pool.frames > MANY) return;
      for (let i = 0; i < pool.frames; i++) take();
      expect(pool.acquire(holder.now())).toBeNull();
      expect(pool.metrics.framesBusy).toBe(1);
      expect(pool.metrics.dry).toBe(0);
    });

    test("who writes to idle memory is found out", () => {
      if (!expected.reuses) return;
      const buffer = take();
      buffer.bytes[7] = 1;
      pool.release(buffer, holder.now());
      buffer.bytes[7] = 1;
      expect(() => {
        for (let i = 0; i < PREALLOCATED; i++) take();
      }).toThrow("was written at 7 while nobody owned it");
      pool = make({});
    });

    test("close gives every buffer back", () => {
      const pinned = take();
      const out = take();
      send(pinned);
      pool.release(pinned, holder.now());
      expect(pool.close(holder.now())).toBe(false);
      expect(pool.metrics.leaked).toBe(2);
      const [first, second] = pool.leaks(holder.now() + 5);
      expect([first?.owned, second?.owned].sort()).toEqual([false, true]);
      expect(first?.age_ns).toBeGreaterThanOrEqual(5);
      expect(() => pool.acquire(holder.now())).toThrow("invariant");
      pool.release(out, holder.now());
      pool.advance(holder.now() + 10e9);
      expect(pool.close(holder.now())).toBe(false);
      expect(pool.metrics.leaked).toBe(1);
      expect(pool.leaks(holder.now()).map((leak) => leak.index)).toEqual([pinned.index]);
    });

    test("close of a pool at rest leaves nothing", async () => {
      exhaust(PREALLOCATED);
      await release();
      expect(pool.close(holder.now())).toBe(true);
      expect([pool.metrics.created, pool.metrics.leaked]).toEqual([0, 0]);
      expect(pool.metrics.poolLength).toBe(expected.reuses ? expected.poolLength : 0);
    });

    test("tear-down waits for pins, looking every 100 ms", async () => {
      exhaust(PREALLOCATED);
      const teardown = new Teardown(pool, 0);
      expect(teardown.over).toBe(false);
      expect(teardown.nextDeadline()).toBe(100e6);
      expect(teardown.advance(100e6)).toBe(false);
      expect(teardown.nextDeadline()).toBe(200e6);
      await release();
      expect(teardown.advance(200e6)).toBe(true);
      expect(teardown.message).toBeNull();
      expect(pool.metrics.leaked).toBe(0);
      expect(pool.metrics.created).toBe(0);
      expect(teardown.nextDeadline()).toBe(Infinity);
    });

    test("tear-down leaks after 3 s, and says what and how old", () => {
      exhaust(PREALLOCATED);
      const held = pool.metrics.pinnedOnly;
      const start = holder.now();
      const teardown = new Teardown(pool, start);
      let polls = 0;
      while (!teardown.over) {
        teardown.advance(teardown.nextDeadline());
        polls++;
      }
      expect(polls).toBe(30);
      expect(pool.metrics.leaked).toBe(held);
      expect(pool.leaks(start + 3e9).length).toBe(held);
      expect(teardown.message).toStartWith(
        `Leaked ${held} buffers: the link still holds them, the oldest for 3`,
      );
    });

    test("counts, times and Little's law add up, over a warm-up's end too", async () => {
      const out: TxBuffer[] = [];
      for (let i = 0; i < 3 * MANY; i++) {
        if (i === MANY) pool.markWarm(holder.now());
        const buffer = pool.acquire(holder.now());
        if (buffer === null) {
          await release();
          continue;
        }
        send(buffer);
        out.push(buffer);
        holder.pass(700 * (i % 7));
        if (out.length === 3 || i % 5 === 0) pool.release(out.shift() as TxBuffer, holder.now());
      }
      const snapshot = pool.snapshot(holder.now());
      const law = littlesLaw(snapshot);
      expect(law.holds).toBe(true);
      expect(law.ratio).toBeCloseTo(1, 0);
      expect(snapshot.acquires - snapshot.releases).toBe(snapshot.owned);
      expect(snapshot.idle + snapshot.owned + snapshot.pinned_only).toBe(snapshot.created);
      expect(snapshot.hold_ns.count).toBe(snapshot.releases - (snapshot.at_warm?.releases ?? 0));
      expect(snapshot.bytes).toBe(snapshot.created * BYTES);
      const levels = snapshot.occupancy.levels_ns.reduce((sum, [, ns]) => sum + ns, 0);
      expect(levels).toBe(snapshot.occupancy.duration_ns);
      expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot);
    });
  });
}
