// Samples, stalls and costs of the measured time, from numbers that can be worked out by hand.

import { describe, expect, test } from "bun:test";
import { Level } from "../../initiator/pool/level.ts";
import { SAMPLES, Series, type SeriesSource } from "./series.ts";

/** What a test changes between looks. */
function source() {
  const metrics = {
    dry: 0,
    kicks: 0,
    kickStall: 0,
    kickedAt: 0,
    stalledSince: -1,
    allocations: 0,
    poolLength: 0,
    pinnedOnly: 0,
    occupancy: new Level(16),
    held: new Level(16),
    extra: new Level(16),
  };
  const state = {
    metrics,
    owned: 0,
    completed: 0,
    outstanding: 0,
    retransmits: 0,
    window: 0,
    cpu: 0,
  } satisfies SeriesSource;
  /** A kick at `now` that ends a stall since `since`. */
  const kick = (now: number, since: number): void => {
    metrics.kicks++;
    metrics.kickStall += now - since;
    metrics.kickedAt = now;
    metrics.stalledSince = -1;
  };
  return { ...state, metrics, kick, state };
}

const RUNTIME = 1000 * SAMPLES;

describe("samples", () => {
  test("count from the measured time's begin, and show levels as they are", () => {
    const { metrics, state } = source();
    Object.assign(metrics, { dry: 7, allocations: 3 });
    Object.assign(state, { retransmits: 2, cpu: 900 });
    const series = new Series();
    series.begin(state, 5000, RUNTIME);
    Object.assign(metrics, { dry: 9, allocations: 8, poolLength: 4, pinnedOnly: 6 });
    Object.assign(state, { retransmits: 5, cpu: 1500, completed: 40, outstanding: 3, window: 16 });
    series.look(state, 5999);
    expect(series.table().at_ns).toEqual([]);
    series.look(state, 6000);
    expect(series.table()).toMatchObject({
      at_ns: [1000],
      dry: [2],
      allocations: [5],
      retransmits: [3],
      cpu_ns: [600],
      completed: [40],
      pool_length: [4],
      pinned_only: [6],
      outstanding: [3],
      window: [16],
    });
  });

  test("have the least, mean and most of each slot, every change counted", () => {
    const { metrics, state } = source();
    const series = new Series();
    metrics.occupancy.set(9, 0);
    metrics.held.set(0, 0);
    metrics.extra.set(0, 0);
    series.begin(state, 1000, RUNTIME);
    // A burst of 400 ns; at the sample itself nothing is owned.
    metrics.occupancy.set(2, 1500);
    metrics.occupancy.set(0, 1900);
    metrics.held.set(5, 1750);
    metrics.extra.set(3, 1999);
    series.look(state, 2000);
    // Nothing changes, then a level that does not last.
    metrics.held.set(7, 2500);
    metrics.held.set(5, 2500);
    series.look(state, 3000);
    expect(series.table()).toMatchObject({
      owned: [0, 0],
      owned_least: [0, 0],
      owned_mean: [(9 * 500 + 2 * 400) / 1000, 0],
      owned_most: [9, 0],
      held_least: [0, 5],
      held_mean: [(5 * 250) / 1000, 5],
      held_most: [5, 5],
      extra_least: [0, 3],
      extra_mean: [3 / 1000, 3],
      extra_most: [3, 3],
    });
  });

  test("are not made up where the loop was away, and end with the measured time", () => {
    const { state } = source();
    const series = new Series();
    series.begin(state, 0, RUNTIME);
    for (const now of [1000, 1500, 5200, 5900, 6000]) series.look(state, now);
    expect(series.table().at_ns).toEqual([1000, 5200, 6000]);
    series.look(state, 1.02 * RUNTIME);
    expect(series.table().at_ns.length).toBe(3);
    for (let now = 7000; now <= RUNTIME + 2000; now += 1000) series.look(state, now);
    const { at_ns: at } = series.table();
    expect([at.length, at.at(-1), series.due]).toEqual([SAMPLES - 4 + 1, RUNTIME, Infinity]);
  });

  test("begin again: nothing of the ramp is left", () => {
    const { kick, state } = source();
    const series = new Series();
    series.begin(state, 0, 100);
    kick(50, 10);
    series.look(state, 60);
    series.begin(state, 100, RUNTIME);
    series.look(state, 1100);
    expect(series.table().at_ns).toEqual([1000]);
    expect(series.stallTable()).toEqual({ stalls: [], count: 0 });
    expect(series.kickCommands()).toBeNull();
  });
});

describe("stalls", () => {
  test("reach from their begin to their kick", () => {
    const { kick, state } = source();
    const series = new Series();
    series.begin(state, 1000, RUNTIME);
    kick(1500, 1200);
    series.look(state, 1500);
    kick(1900, 1600);
    series.look(state, 1900);
    expect(series.stallTable()).toEqual({
      stalls: [
        [200, 300],
        [600, 300],
      ],
      count: 2,
    });
  });

  test("that began before count from the measured time's begin", () => {
    const { kick, state } = source();
    const series = new Series();
    series.begin(state, 1000, RUNTIME);
    kick(1700, 700);
    // The loop turns next a little later.
    series.look(state, 2000);
    expect(series.stallTable()).toEqual({ stalls: [[0, 700]], count: 1 });
    expect(series.table().kick_stall_ns).toEqual([700]);
  });

  test("that last at the end count as far as they have come, and are in the samples meanwhile", () => {
    const { metrics, state } = source();
    const series = new Series();
    series.begin(state, 1000, RUNTIME);
    metrics.stalledSince = 400;
    series.look(state, 2000);
    expect(series.table().kick_stall_ns).toEqual([1000]);
    expect(series.stallTable().count).toBe(0);
    series.finish(state, 1000 + RUNTIME);
    expect(series.stallTable()).toEqual({ stalls: [[0, RUNTIME]], count: 1 });
    // No kick: no commands from one to the next.
    expect(series.kickCommands()).toBeNull();
  });

  test("beyond the room for them are counted", () => {
    const { kick, state } = source();
    const series = new Series();
    series.begin(state, 0, 1e9);
    for (let at = 1; at <= 1003; at++) {
      kick(at * 10, at * 10 - 5);
      series.look(state, at * 10);
    }
    const { count, stalls } = series.stallTable();
    expect([count, stalls.length, stalls.at(-1)]).toEqual([1003, 1000, [9995, 5]]);
  });

  test("say how many commands ended from one kick to the next: the median", () => {
    const { kick, state } = source();
    const series = new Series();
    series.begin(state, 0, RUNTIME);
    for (const [at, completed] of [10, 26, 42, 242].entries()) {
      state.completed = completed;
      kick(at * 100 + 50, at * 100);
      series.look(state, at * 100 + 50);
    }
    // 16, 16 and 200.
    expect(series.kickCommands()).toBe(16);
    const once = new Series();
    once.begin(state, 1000, RUNTIME);
    kick(1100, 1050);
    once.look(state, 1100);
    expect(once.kickCommands()).toBeNull();
  });
});

describe("the cost of a command in a quiet interval", () => {
  /** Stretches of so many commands, at so many ns each. */
  const costOf = (stretches: readonly (readonly [number, number])[]): number | null => {
    const { state } = source();
    const series = new Series();
    series.begin(state, 0, RUNTIME);
    series.look(state, 1000);
    for (const [at, [commands, each]] of stretches.entries()) {
      state.completed += commands;
      state.cpu += commands * each;
      series.look(state, (at + 2) * 1000);
    }
    return series.quietCpu();
  };

  test("is one that a tenth of the stretches come below", () => {
    const costs = Array.from({ length: 21 }, (_, at) => [200, 100 + at] as const);
    expect(costOf(costs)).toBe(102);
  });

  test("is told of ten stretches or more, with a hundred commands each", () => {
    const interval = (commands: number): (readonly [number, number])[] =>
      Array.from({ length: 10 }, () => [commands, 50] as const);
    expect(costOf(interval(100))).toBe(50);
    expect(costOf(interval(99))).toBeNull();
    expect(costOf(interval(100).slice(1))).toBeNull();
  });
});
