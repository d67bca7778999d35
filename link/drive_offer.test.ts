// When a spin offers its CPU, and when a loop that never spins sleeps, against a waiter whose every look at the clock takes half a microsecond.

import { expect, test } from "bun:test";

import { drive } from "./drive.ts";
import type { Link } from "./link.ts";
import type { Core } from "./loop.ts";

/** `offers`: when the CPU was offered; each offer takes `taken` ns, each sleep `slept`. */
function idleWaiter(taken: number, slept: number) {
  const waiter = {
    time: 0,
    sleeps: 0,
    offers: [] as number[],
    now() {
      waiter.time += 500;
      return waiter.time;
    },
    wait() {
      waiter.sleeps++;
      waiter.time += slept;
    },
    wake() {},
    yield() {
      waiter.offers.push(waiter.time);
      waiter.time += taken;
    },
  };
  return waiter;
}

function idleCore(next: () => number, fired: (now: number) => void = () => {}): Core {
  return { ports: [], begin() {}, advance: fired, nextDeadline: next };
}

test("a spin offers its CPU once it outlasts a round trip, and not before; frugal never spins", async () => {
  const offersOf = async (mode: "low-latency" | "throughput" | "frugal") => {
    const waiter = idleWaiter(0, 0);
    const core = idleCore(() => Infinity);
    await drive({ core, waiter, mode, until: () => waiter.sleeps > 0 });
    return waiter.offers;
  };
  expect(await offersOf("frugal")).toEqual([]);
  for (const [mode, least] of [
    ["low-latency", 30],
    ["throughput", 10],
  ] as const) {
    const offers = await offersOf(mode);
    expect(offers[0]).toBeGreaterThan(5e3);
    expect(offers[0]).toBeLessThan(8e3);
    expect(offers.length).toBeGreaterThan(least);
  }
});

test("a CPU that somebody takes for long is offered less and less", async () => {
  // A sleep so short that the spin comes back whole.
  const waiter = idleWaiter(3e6, 1e3);
  await drive({ core: idleCore(() => Infinity), waiter, until: () => waiter.time > 2e9 });
  expect(waiter.offers.length).toBeGreaterThan(8);
  expect(waiter.offers.length).toBeLessThan(16);
});

test("no CPU is offered while a deadline is within reach", async () => {
  const waiter = idleWaiter(0, 1e3);
  let next = 40e3;
  let fired = 0;
  const core = idleCore(
    () => next,
    (now) => {
      if (now < next) return;
      fired++;
      next = now + 40e3;
    },
  );
  await drive({ core, waiter, until: () => waiter.time > 1e6 });
  expect(waiter.offers).toEqual([]);
  expect(fired).toBeGreaterThan(15);
});

test("frugal sleeps right after an iteration that brought one frame, where no other waits, and looks again after one that brought more", async () => {
  for (const [brought, iterations] of [
    [[1], [1]],
    [[2, 0], [2]],
    [[64, 3, 1], [3]],
  ] as const) {
    const waiter = idleWaiter(0, 0);
    let received = 0;
    const link = {
      receive: () => brought[received++] ?? 0,
      reclaim: () => 0,
      flush() {},
      nextDeadline: () => Infinity,
    };
    const port = { link: link as Partial<Link> as Link, visit() {}, reclaimed() {} };
    const core = { ...idleCore(() => Infinity), ports: [port] };
    const iterationsBeforeSleep: number[] = [];
    const { wait } = waiter;
    waiter.wait = () => {
      iterationsBeforeSleep.push(received);
      wait();
    };
    await drive({ core, waiter, mode: "frugal", until: () => waiter.sleeps > 0 });
    expect(iterationsBeforeSleep).toEqual([...iterations]);
  }
});

test("a loop that would sleep iterates again where a frame waits already", async () => {
  for (const mode of ["low-latency", "throughput", "frugal"] as const) {
    const waiter = idleWaiter(0, 0);
    // What is there before each iteration; the second and third frame come while the one before is served.
    const there = [1, 1, 1, 0];
    let received = 0;
    const link = {
      receive: () => there[received++] ?? 0,
      waiting: () => (there[received] ?? 0) > 0,
      reclaim: () => 0,
      flush() {},
      nextDeadline: () => Infinity,
    };
    const port = { link: link as Partial<Link> as Link, visit() {}, reclaimed() {} };
    const core = { ...idleCore(() => Infinity), ports: [port] };
    // Nothing is expected: no mode spins.
    const expecting = () => false;
    await drive({ core, waiter, mode, expecting, until: () => waiter.sleeps > 0 });
    expect(received).toBe(4);
  }
});

test("while frames wait what is beside them is looked at, by a core that expects nothing, too", async () => {
  let looks = 0;
  const waiter = { ...idleWaiter(0, 0), look: () => ++looks };
  const link = {
    receive: () => 1,
    waiting: () => true,
    reclaim: () => 0,
    flush() {},
    nextDeadline: () => Infinity,
  };
  const port = { link: link as Partial<Link> as Link, visit() {}, reclaimed() {} };
  const core = { ...idleCore(() => Infinity), ports: [port] };
  let iterations = 0;
  const until = () => ++iterations > 1000;
  await drive({ core, waiter, expecting: () => false, until, lookEvery: 20e3 });
  expect(looks).toBeGreaterThan(5);
  expect(looks).toBeLessThan(100);
});
