// What the pools are for, in exact figures: the claims E1, E2, E3, E7 and E8 at pool level, under the
// virtual clock. (E4 to E6 are the bench's.)

import { describe, expect, test } from "bun:test";
import type { TxBuffer } from "../../link/link.ts";
import { MS, S, US } from "../../words/quantity.ts";
import { createPool, STRATEGIES, type StrategyName } from "./buffer_pool.ts";
import { type Conditions, closedLoop } from "../../testing/doubles/closed_loop.ts";
import { QUIET } from "./completion.ts";
import { HandLink } from "../../link/hand.ts";
import { littlesLaw } from "./littles_law.ts";
import type { Pool } from "./pool.ts";

const WINDOW = 16;
/** 16 commands are answered within 0.08 ms: 200,000 a second. */
const FAST = 5 * US;
/** Slower than 16 per ms, so the pins of 1 ms are gone when a window is through: 10,000 a second. */
const SLOW = 100 * US;
const COALESCE = "coalesce:64/1ms";
const CAPPED = ["scan-swap", "lifo-swap", "completion"] as const;

function run(conditions: Omit<Conditions, "window" | "runtime"> & Partial<Conditions>) {
  const outcome = closedLoop({ window: WINDOW, runtime: 200 * MS, ...conditions });
  expect(littlesLaw(outcome.pool).holds).toBe(true);
  return outcome;
}

describe("E1: the headroom matters only for fast targets on links that release late", () => {
  test("fast target, coalesce: fixed sends 16 per kick, 160 a second", () => {
    const { rate, pool } = run({
      strategy: "fixed",
      service: FAST,
      reclaim: COALESCE,
      runtime: 10 * S,
    });
    expect(rate).toBe(160);
    expect(pool.kicks).toBe(99);
    // Stalled all the time but for the 80 µs of each round's answers.
    expect(pool.kick_stall_ns).toBe(99 * 100 * MS);
  });

  test("with a kick of 1 ms, and on release, it sends about 16 a millisecond", () => {
    const every = run({ strategy: "fixed", service: FAST, reclaim: COALESCE, kick: 1 * MS });
    // The kick's clock starts when the last of the 16 answers is in, 0.08 ms after they went out.
    expect(every.completed).toBe(16 * Math.ceil(200 / 1.08));
    const onRelease = run({
      strategy: "fixed",
      service: FAST,
      reclaim: COALESCE,
      kick: "on-release",
    });
    expect(onRelease.rate).toBe(16_000);
    expect(onRelease.pool.kicks).toBe(0);
  });

  for (const strategy of CAPPED) {
    test(`fast target, coalesce: ${strategy} runs at full speed with 48 more buffers`, () => {
      const { rate, pool } = run({ strategy, service: FAST, reclaim: COALESCE });
      expect(rate).toBe(200_000);
      expect([pool.pool_length, pool.dry, pool.kicks]).toEqual([48, 0, 0]);
    });
  }

  for (const strategy of STRATEGIES) {
    test(`${strategy}: a link that releases at once needs no headroom, a slow target loses nothing`, () => {
      const eager = run({ strategy, service: FAST, reclaim: "eager" });
      expect(eager.rate).toBe(200_000);
      expect(eager.pool.pinned_only_peak).toBe(0);
      if (strategy !== "per-send") expect(eager.pool.allocations).toBe(0);
      for (const reclaim of [COALESCE, "delay:1ms"]) {
        expect(run({ strategy, service: SLOW, reclaim }).rate).toBe(10_000);
      }
    });
  }
});

describe("E2: a capped headroom is enough", () => {
  const CAPS = [0, 1, 2, 4, 8, 16, 24, 32, 40, 44, 47, 48, 49, 56, 64, 128, 256];

  for (const strategy of CAPPED) {
    test(`${strategy}: the knee is at N − preallocated = 48`, () => {
      for (const cap of CAPS) {
        const { rate, pool } = run({ strategy, cap, service: FAST, reclaim: COALESCE });
        expect([cap, pool.pool_length]).toEqual([cap, Math.min(cap, 48)]);
        if (cap >= 48) {
          expect(rate).toBe(200_000);
          expect(pool.dry).toBe(0);
        } else if (strategy === "completion") {
          // Driven by the release: all its buffers once a millisecond.
          expect(rate).toBe((16 + cap) * 1000);
        } else {
          // All its buffers once a kick, twice in 200 ms.
          expect(rate).toBe(((16 + cap) * 2 * S) / (200 * MS));
        }
      }
    });
  }
});

test("E3: with a slow target the headroom is idle once the first burst is over", () => {
  for (const strategy of CAPPED) {
    const { pool } = closedLoop({
      strategy,
      window: WINDOW,
      service: SLOW,
      reclaim: COALESCE,
      runtime: 2 * S,
    });
    // 16 go out at once, and some are answered and still pinned; then one goes out per answer.
    expect(pool.allocations).toBeLessThanOrEqual(WINDOW);
    const [busiest] = pool.held_by_link.levels_ns.filter(([, ns]) => ns > 0.9 * 2 * S);
    expect(busiest?.[0]).toBe(0);
  }
});

/** Pools at work by hand. */
function byHand(strategy: StrategyName, preallocated: number, cap: number) {
  const link = new HandLink();
  const settings = { strategy, link, frameBytes: 64, preallocated, cap, verify: true };
  const pool = createPool(settings);
  return { link, pool };
}

function send(link: HandLink, pool: Pool, now: number): TxBuffer {
  const buffer = pool.acquire(now);
  if (buffer === null) throw new Error("the pool is dry");
  link.transmit(buffer, 60);
  return buffer;
}

/** `count` commands out at once, then all answered; their buffers, pinned. */
function burst(link: HandLink, pool: Pool, count: number): TxBuffer[] {
  const out = Array.from({ length: count }, () => send(link, pool, 0));
  for (const buffer of out) pool.release(buffer, 10);
  return out;
}

describe("E7: the algorithms differ", () => {
  test("at the cap, a pinned head starves scan-swap and lifo-swap though another is idle; completion finds it", () => {
    for (const strategy of CAPPED) {
      const { link, pool } = byHand(strategy, 4, 4);
      const first = burst(link, pool, 4);
      burst(link, pool, 4);
      // The first four were swapped out, in this order; the second goes idle.
      const idle = first[1] as TxBuffer;
      link.release(idle.index);
      pool.reclaimed(link.reclaim(), 20);
      const got = pool.acquire(20);
      expect(got).toBe(strategy === "completion" ? idle : null);
      expect(pool.metrics.headBlocked).toBe(strategy === "completion" ? 0 : 1);
      expect(pool.metrics.dry).toBe(strategy === "completion" ? 0 : 1);
    }
  });

  test("below the cap, a pinned head makes them allocate", () => {
    for (const strategy of CAPPED) {
      const { link, pool } = byHand(strategy, 4, 8);
      const first = burst(link, pool, 4);
      burst(link, pool, 4);
      link.release((first[1] as TxBuffer).index);
      pool.reclaimed(link.reclaim(), 20);
      expect(pool.metrics.allocations).toBe(4);
      send(link, pool, 20);
      expect(pool.metrics.allocations).toBe(strategy === "completion" ? 4 : 5);
      expect(pool.metrics.headBlocked).toBe(strategy === "completion" ? 0 : 1);
      expect(pool.metrics.poolLength).toBe(pool.metrics.allocations);
    }
  });

  test("an idle frame beneath a pinned one: scan-swap uses it, lifo-swap fails when the pool is dry", () => {
    for (const strategy of ["scan-swap", "lifo-swap"] as const) {
      const { link, pool } = byHand(strategy, 2, 0);
      const a = send(link, pool, 0);
      const b = send(link, pool, 0);
      pool.release(a, 10);
      pool.release(b, 10);
      link.release(a.index);
      pool.reclaimed(link.reclaim(), 20);
      expect(pool.acquire(20)).toBe(strategy === "scan-swap" ? a : null);
      // Pushed back, it is on top still.
      link.release(b.index);
      pool.reclaimed(link.reclaim(), 30);
      expect(pool.acquire(30)).toBe(b);
    }
  });

  test("fixed and scan-swap take the first frame that will do, also beyond 32", () => {
    const { pool } = byHand("scan-swap", 40, 0);
    const out = Array.from({ length: 40 }, () => pool.acquire(0) as TxBuffer);
    expect(out.map((buffer) => buffer.index)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const index of [39, 31, 33]) pool.release(out[index] as TxBuffer, 10);
    expect([31, 33, 39].map(() => pool.acquire(20)?.index)).toEqual([31, 33, 39]);
    const small = byHand("fixed", 4, 0).pool;
    const four = Array.from({ length: 4 }, () => small.acquire(0) as TxBuffer);
    for (const index of [3, 1]) small.release(four[index] as TxBuffer, 10);
    expect([small.acquire(20)?.index, small.acquire(20)?.index]).toEqual([1, 3]);
  });

  test("the buffer that was swapped out comes back in its turn, into another frame", () => {
    const { link, pool } = byHand("scan-swap", 2, 2);
    const [a, b] = burst(link, pool, 2) as [TxBuffer, TxBuffer];
    const [c, d] = burst(link, pool, 2) as [TxBuffer, TxBuffer];
    // Frames have c and d; the pool a and b. All but c and d go idle.
    link.release(b.index);
    link.release(a.index);
    pool.reclaimed(link.reclaim(), 20);
    expect([pool.acquire(20), pool.acquire(20)]).toEqual([a, b]);
    expect(pool.metrics.poolLength).toBe(2);
    pool.release(a, 30);
    pool.release(b, 30);
    // Frames have a and b, idle; c and d are in the pool and not looked at.
    link.release(c.index);
    link.release(d.index);
    pool.reclaimed(link.reclaim(), 40);
    const touches = pool.metrics.poolTouches;
    expect([pool.acquire(40), pool.acquire(40)]).toEqual([a, b]);
    expect(pool.metrics.poolTouches).toBe(touches);
  });

  test("after a burst, at depth 1: scan-swap never asks the pool, lifo-swap asks it for nearly every command", () => {
    const conditions = {
      service: 20 * US,
      reclaim: "delay:200us",
      window: [WINDOW, 1],
      runtime: 400 * MS,
    };
    const scan = run({ strategy: "scan-swap", ...conditions }).pool;
    const lifo = run({ strategy: "lifo-swap", ...conditions }).pool;
    expect(scan.acquires).toBe(lifo.acquires);
    expect(scan.pool_touches).toBeLessThan(20);
    expect(lifo.pool_touches).toBeGreaterThan(0.3 * lifo.acquires);
  });

  test("only completion is driven by a release: at the cap it goes on at once, the others wait for the kick", () => {
    const conditions = { cap: 16, service: FAST, reclaim: COALESCE };
    expect(run({ strategy: "completion", ...conditions }).rate).toBe(32_000);
    expect(run({ strategy: "scan-swap", ...conditions }).rate).toBe(320);
    expect(run({ strategy: "scan-swap", ...conditions, kick: "on-release" }).rate).toBe(32_000);
  });
});

describe("completion gives headroom back", () => {
  test("what was idle for a whole quiet period, and never the preallocated", () => {
    const { link, pool } = byHand("completion", 4, 8);
    burst(link, pool, 4);
    burst(link, pool, 4);
    burst(link, pool, 4);
    expect([link.allocated, pool.nextDeadline()]).toEqual([12, QUIET]);
    link.releaseAll();
    pool.reclaimed(link.reclaim(), 20);
    // Dry at the start of this period, so nothing was idle for the whole of it.
    pool.advance(QUIET);
    expect(link.allocated).toBe(12);
    // Six out at once in this one: six were never needed.
    const out = Array.from({ length: 6 }, () => pool.acquire(QUIET + 10) as TxBuffer);
    for (const buffer of out) pool.release(buffer, QUIET + 20);
    pool.advance(2 * QUIET - 1);
    expect(link.allocated).toBe(12);
    pool.advance(2 * QUIET);
    expect([link.allocated, pool.metrics.poolLength, pool.metrics.givenBack]).toEqual([6, 2, 6]);
    pool.advance(3 * QUIET);
    expect([link.allocated, pool.metrics.poolLength]).toEqual([4, 0]);
    expect(pool.nextDeadline()).toBe(Infinity);
    expect(Array.from({ length: 4 }, () => pool.acquire(4 * QUIET)).includes(null)).toBe(false);
    pool.check();
  });

  test("a release that nobody reported is found when there is nothing else", () => {
    const { link, pool } = byHand("completion", 2, 0);
    const [a] = burst(link, pool, 2) as [TxBuffer];
    expect(pool.acquire(20)).toBeNull();
    link.release(a.index);
    expect(pool.acquire(30)).toBe(a);
  });
});

describe("E8: lifo-swap beside the real driver", () => {
  const DEPTHS = [1, 4, 16, 64] as const;

  for (const reclaim of ["next-xmit:100us", "on-receive:100us"]) {
    test(`${reclaim}: a headroom of 1 to 16, no kick`, () => {
      for (const window of DEPTHS) {
        const { pool } = run({ strategy: "lifo-swap", window, service: 30 * US, reclaim });
        expect([window, pool.kicks]).toEqual([window, 0]);
        expect(pool.pool_length).toBeLessThanOrEqual(16);
        if (window <= 4) expect(pool.pool_length).toBeGreaterThanOrEqual(1);
      }
    });
  }

  test("eager: no headroom", () => {
    for (const window of DEPTHS) {
      const { pool } = run({ strategy: "lifo-swap", window, service: 30 * US, reclaim: "eager" });
      expect([pool.pool_length, pool.kicks, pool.preallocated]).toEqual([0, 0, window]);
    }
  });

  test("frames that come back late make it allocate more frames than commands are out", () => {
    const { pool } = run({
      strategy: "lifo-swap",
      window: 64,
      service: 5 * US,
      reclaim: "eager",
      frameReturn: 500 * US,
    });
    // 64 out, and those answered within the last 500 µs at one per 5 µs: the driver had 128 to 208.
    expect(pool.preallocated).toBe(64 + 100);
    expect(pool.kicks).toBe(0);
  });

  test("lifo-swap makes at most 512 frames", () => {
    const link = new HandLink();
    const settings = { frameBytes: 64, preallocated: 16, cap: 256 };
    const pool = createPool({ ...settings, strategy: "lifo-swap", link });
    for (let i = 0; i < 512; i++) expect(pool.acquire(i)).not.toBeNull();
    expect(pool.acquire(600)).toBeNull();
    expect([pool.metrics.framesBusy, link.allocated]).toEqual([1, 512]);
  });
});

describe("what the device tells", () => {
  test("kicks with their stall, waits, dry spells, time at the cap", () => {
    const { link, pool } = byHand("scan-swap", 2, 1);
    burst(link, pool, 2);
    pool.release(send(link, pool, 100), 100);
    expect(pool.acquire(200)).toBeNull();
    pool.kicked(1200, 200);
    expect(pool.acquire(1200)).toBeNull();
    link.releaseAll();
    pool.reclaimed(link.reclaim(), 1500);
    pool.kicked(2200, 1200);
    expect(pool.acquire(2200)).not.toBeNull();
    pool.waited(2000);
    const snapshot = pool.snapshot(3000);
    expect([snapshot.kicks, snapshot.kick_stall_ns, snapshot.dry]).toEqual([2, 2000, 2]);
    expect(snapshot.time_at_cap_ns).toBe(2900);
    expect([snapshot.dry_spell_ns.count, snapshot.dry_spell_ns.max_ns]).toEqual([1, 2000]);
    expect([snapshot.wait_ns.count, snapshot.wait_ns.sum_ns]).toEqual([1, 2000]);
    expect([snapshot.pin_ns.count, snapshot.pin_ns.max_ns]).toEqual([3, 1500]);
    expect(snapshot.held_by_link.peak).toBe(3);
  });

  test("after the warm-up: allocations apart, histograms and times again", () => {
    const { link, pool } = byHand("completion", 2, 2);
    burst(link, pool, 3);
    pool.markWarm(1000);
    burst(link, pool, 1);
    const snapshot = pool.snapshot(2000);
    expect([snapshot.allocations, snapshot.allocations_after_warm]).toEqual([2, 1]);
    expect(snapshot.at_warm?.acquires).toBe(3);
    expect([snapshot.acquires, snapshot.hold_ns.count]).toEqual([4, 1]);
    expect(snapshot.held_by_link.duration_ns).toBe(1000);
  });
});
