// What a pool counts, by hand: what was before `markWarm` is told apart from what came after.

import { describe, expect, test } from "bun:test";
import { Metrics } from "./metrics.ts";
import type { PoolShape, PoolSnapshot } from "./snapshot.ts";

const SHAPE: PoolShape = {
  strategy: "hand",
  frames: null,
  buffer_bytes: 100,
  owned: 0,
  idle: 0,
  pinned: 0,
  hold_open_ns: 0,
};

const at = (metrics: Metrics, now: number): PoolSnapshot => metrics.snapshot(now, SHAPE);
/** `add` extra buffers at `now`. */
const lengthen = (metrics: Metrics, add: number, now: number): void => {
  for (let left = Math.abs(add); left > 0; left--) metrics.lengthen(Math.sign(add), now);
};

describe("time at the cap", () => {
  test("is the sum of all spells, and of the one that lasts", () => {
    const metrics = new Metrics(2, 8);
    lengthen(metrics, 1, 100);
    expect(at(metrics, 200).time_at_cap_ns).toBe(0);
    lengthen(metrics, 1, 200);
    expect(at(metrics, 230).time_at_cap_ns).toBe(30);
    lengthen(metrics, -1, 250);
    expect(at(metrics, 1000).time_at_cap_ns).toBe(50);
    lengthen(metrics, 1, 1000);
    lengthen(metrics, -2, 1007);
    expect(at(metrics, 2000).time_at_cap_ns).toBe(57);
  });

  test("starts again at the warm-up's end, within a spell too", () => {
    const metrics = new Metrics(1, 8);
    lengthen(metrics, 1, 0);
    lengthen(metrics, -1, 40);
    lengthen(metrics, 1, 100);
    metrics.markWarm(150, 0);
    expect(at(metrics, 160).time_at_cap_ns).toBe(10);
    lengthen(metrics, -1, 170);
    expect(at(metrics, 900).time_at_cap_ns).toBe(20);
    const idle = new Metrics(1, 8);
    lengthen(idle, 1, 0);
    lengthen(idle, -1, 40);
    idle.markWarm(150, 0);
    expect(at(idle, 200).time_at_cap_ns).toBe(0);
  });

  test("of a pool without headroom, or without a cap, is none", () => {
    const none = new Metrics(0, 8);
    lengthen(none, 0, 10);
    none.lengthen(0, 20);
    expect(at(none, 100).time_at_cap_ns).toBe(0);
    const endless = new Metrics(Number.POSITIVE_INFINITY, 8);
    lengthen(endless, 5, 10);
    expect(at(endless, 100)).toMatchObject({ time_at_cap_ns: 0, cap: null, pool_length: 5 });
  });
});

describe("kick stall", () => {
  const measured = (snapshot: PoolSnapshot): number =>
    snapshot.kick_stall_ns - (snapshot.at_warm?.kick_stall_ns ?? 0);

  test("is what its kicks ended, cut at the warm-up's end", () => {
    const metrics = new Metrics(0, 8);
    metrics.stalledSince = 0;
    metrics.kicked(100, 0);
    metrics.stalledSince = 110;
    metrics.markWarm(180, 0);
    // It lasts: as far as it is measured.
    expect(measured(at(metrics, 200))).toBe(20);
    metrics.kicked(210, 110);
    const snapshot = at(metrics, 300);
    expect([snapshot.kick_stall_ns, snapshot.at_warm?.kick_stall_ns]).toEqual([200, 170]);
    expect(measured(snapshot)).toBe(30);
    metrics.kicked(310, 250);
    expect([measured(at(metrics, 400)), metrics.kicks]).toEqual([90, 3]);
  });

  test("is all of the measured time where nothing moves in it", () => {
    const metrics = new Metrics(0, 8);
    metrics.stalledSince = 70;
    metrics.markWarm(100, 0);
    expect(measured(at(metrics, 190))).toBe(90);
    // The kick fires after the end of the measured time: the snapshot before is what counts.
    metrics.kicked(170, 70);
    expect(measured(at(metrics, 170))).toBe(70);
  });

  test("is nothing where something else than a kick ended the wait", () => {
    const metrics = new Metrics(0, 8);
    metrics.markWarm(0, 0);
    metrics.stalledSince = 10;
    metrics.stalledSince = -1;
    expect(measured(at(metrics, 100))).toBe(0);
  });
});

test("counts tell apart what was before the warm-up's end", () => {
  const metrics = new Metrics(4, 8);
  metrics.acquires = 10;
  metrics.allocations = 3;
  metrics.fresh = 2;
  metrics.dry = 5;
  metrics.occupancy.set(4, 10);
  metrics.markWarm(100, 55);
  metrics.acquires = 17;
  metrics.allocations = 4;
  metrics.fresh = 3;
  metrics.dry = 6;
  const snapshot = at(metrics, 200);
  expect(snapshot).toMatchObject({
    acquires: 17,
    releases: 13,
    reuse_hits: 14,
    allocations: 4,
    allocations_after_warm: 1,
    hold_before_ns: 55,
    dry: 6,
  });
  expect(snapshot.at_warm).toMatchObject({
    acquires: 10,
    releases: 6,
    reuse_hits: 8,
    allocations: 3,
    dry: 5,
  });
  expect(at(new Metrics(4, 8), 10).at_warm).toBeNull();
});

test("durations and levels of the warm-up are forgotten, peaks of buffers are not", () => {
  const metrics = new Metrics(9, 8);
  for (const histogram of [metrics.hold, metrics.pin, metrics.wait, metrics.drySpell]) {
    histogram.record(1000);
  }
  metrics.occupancy.set(5, 0);
  metrics.occupancy.set(1, 50);
  metrics.held.set(3, 0);
  metrics.held.set(2, 50);
  metrics.created = 7;
  metrics.createdPeak = 9;
  lengthen(metrics, 6, 10);
  lengthen(metrics, -4, 20);
  metrics.markWarm(100, 0);
  const snapshot = at(metrics, 200);
  for (const key of ["hold_ns", "pin_ns", "wait_ns", "dry_spell_ns"] as const) {
    expect([key, snapshot[key].count]).toEqual([key, 0]);
  }
  expect(snapshot.occupancy).toMatchObject({ peak: 1, mean: 1, duration_ns: 100 });
  expect(snapshot.held_by_link).toMatchObject({ peak: 2, mean: 2 });
  expect(snapshot).toMatchObject({
    pool_length: 2,
    pool_length_peak: 6,
    bytes: 700,
    bytes_peak: 900,
    pinned_only: 2,
  });
});
