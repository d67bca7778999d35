// Simulated time moves by waiting alone, to the exact nanosecond.

import { describe, expect, test } from "bun:test";
import { writeMac } from "../wire/mac.ts";
import type { FrameView, Link } from "./link.ts";
import type { Core } from "./loop.ts";
import { createMemoryPair } from "./memory.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "./virtual_clock.ts";

const A = 0x0200_0000_0001;
const B = 0x0200_0000_0002;

/** Answers each frame after `service` ns, one at a time, up to `limit` frames. */
function echo(link: Link, to: number, service: number, limit: number, first: boolean) {
  const buffer = link.allocate(60);
  if (buffer === null) throw new Error("no buffer");
  writeMac(buffer.view, 0, to);
  let due = first ? 0 : Infinity;
  let now = 0;
  const core = {
    frames: 0,
    times: [] as number[],
    ports: [
      {
        link,
        visit: (_frame: FrameView) => {
          core.frames++;
          core.times.push(now);
          if (core.frames < limit) due = now + service;
        },
        reclaimed: () => {},
      },
    ],
    begin: (time: number) => {
      now = time;
    },
    advance: (time: number) => {
      if (due > time) return;
      due = Infinity;
      link.transmit(buffer, 60);
    },
    nextDeadline: () => due,
  };
  return core satisfies Core;
}

describe("virtual clock", () => {
  test("moves only by waiting, to the deadline or the next event", () => {
    const clock = createVirtualClock(5);
    const source = clock.source();
    const other = clock.source();
    clock.expect(source, 20);
    clock.expect(other, 30);
    expect(clock.now()).toBe(5);
    clock.wait(10);
    expect(clock.now()).toBe(10);
    clock.wait(100);
    expect(clock.now()).toBe(20);
    clock.expect(other, Infinity);
    clock.wait(100);
    expect(clock.now()).toBe(100);
    clock.wait(50);
    expect(clock.now()).toBe(100);
    clock.wake();
    clock.wait(200);
    expect(clock.now()).toBe(100);
    expect(() => clock.wait(Infinity)).toThrow("invariant");
  });

  function pingPong(): [VirtualClock, ReturnType<typeof echo>, ReturnType<typeof echo>] {
    const clock = createVirtualClock();
    const [a, b] = createMemoryPair({ clock, latency: 10, macA: A, macB: B });
    return [clock, echo(a, B, 5, 4, true), echo(b, A, 100, 4, false)];
  }

  test("drives cores to the exact nanosecond", () => {
    const [clock, a, b] = pingPong();
    expect(runVirtual([a, b], clock, () => a.frames === 3)).toBe(true);
    // Out at 0, there at 10, answered at 110, back at 120, sent again at 125, …
    expect(b.times).toEqual([10, 135, 260]);
    expect(a.times).toEqual([120, 245, 370]);
    expect(clock.now()).toBe(370);
  });

  test("stops at the deadline, at the end of all events, and when time stands still", () => {
    const [clock, a, b] = pingPong();
    expect(runVirtual([a, b], clock, () => false, 200)).toBe(false);
    expect([clock.now(), a.frames, b.frames]).toEqual([200, 1, 2]);
    expect(runVirtual([a, b], clock, () => false)).toBe(false);
    expect(a.frames).toBe(3);
    expect(b.frames).toBe(4);
    const stuck: Core = { ports: [], begin() {}, advance() {}, nextDeadline: () => 0 };
    expect(() => runVirtual([stuck], clock, () => false)).toThrow("time moves on");
  });
});
