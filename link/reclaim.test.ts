// Each reclaim model to the nanosecond, over links that copy and links that pin.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Link } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";

const US = 1e3;
const MS = 1e6;

/** A link that releases late, with `count` buffers, and the far end that can poke it. */
function late(model: string, count: number, latency = 0, below?: string) {
  const clock = createVirtualClock();
  const [a, b, cable] = createMemoryPair({ clock, latency });
  const inner = below === undefined ? a : createReclaim(a, parseReclaim(below, "x"), clock);
  const link = createReclaim(inner, parseReclaim(model, "--reclaim"), clock);
  const buffers = Array.from({ length: count }, () => {
    const buffer = link.allocate(60);
    if (buffer === null) throw new Error("no buffer");
    return buffer;
  });
  const poke = b.allocate(60);
  if (poke === null) throw new Error("no buffer");
  return {
    clock,
    link,
    cable,
    buffers,
    send(...indexes: number[]) {
      for (const index of indexes) expect(link.transmit(buffers[index] ?? poke, 60)).toBe(true);
    },
    to(time: number) {
      while (clock.now() < time) clock.wait(time);
    },
    pins: () => buffers.map((buffer) => buffer.pins),
    pokeIn: () => b.transmit(poke, 60),
  };
}

describe("reclaim models", () => {
  test("eager is the link below itself", () => {
    const { link, buffers, send } = late("eager", 1);
    send(0);
    expect(buffers[0]?.pins).toBe(0);
    expect(link.reclaim()).toBe(0);
    expect(link.nextDeadline()).toBe(Infinity);
  });

  test("coalesce lets all go when N are held", () => {
    const { link, send, pins, clock } = late("coalesce:4/1ms", 6);
    send(0, 1, 2);
    expect(link.reclaim()).toBe(0);
    expect(link.nextDeadline()).toBe(1 * MS);
    send(3);
    expect(pins()).toEqual([1, 1, 1, 1, 0, 0]);
    expect(link.nextDeadline()).toBeLessThanOrEqual(clock.now());
    expect(link.reclaim()).toBe(4);
    expect(pins()).toEqual([0, 0, 0, 0, 0, 0]);
    expect(link.nextDeadline()).toBe(Infinity);
    expect(link.reclaim()).toBe(0);
  });

  test("coalesce's interrupt takes what was out when it came, not what followed", () => {
    const { link, send, pins } = late("coalesce:2/1ms", 3);
    send(0, 1);
    send(2);
    expect(link.reclaim()).toBe(2);
    expect(pins()).toEqual([0, 0, 1]);
    expect(link.nextDeadline()).toBe(1 * MS);
  });

  test("an interrupt that nobody served by the time the timer comes is one, not two", () => {
    const { link, send, pins, to } = late("coalesce:2/1ms", 3);
    send(0, 1);
    to(5 * MS);
    send(2);
    expect(pins()).toEqual([0, 0, 1]);
    expect(link.reclaim()).toBe(2);
    to(6 * MS);
    expect(link.reclaim()).toBe(1);
  });

  test("coalesce with no time at all releases at the next reclaim", () => {
    const { link, send, pins } = late("coalesce:64/0us", 2);
    send(0, 1);
    expect(pins()).toEqual([0, 1]);
    expect(link.reclaim()).toBe(2);
  });

  test("coalesce lets all go when the oldest is T old, exactly, however late it is asked", () => {
    const { link, send, pins, to } = late("coalesce:64/1ms", 5);
    send(0);
    to(400 * US);
    send(1);
    to(999_999);
    expect(link.reclaim()).toBe(0);
    expect(link.nextDeadline()).toBe(1 * MS);
    to(1 * MS);
    send(2); // after the timer: waits for its own
    to(1_300 * US);
    send(3);
    to(1_500 * US);
    expect(link.reclaim()).toBe(2);
    expect(pins()).toEqual([0, 0, 1, 1, 0]);
    expect(link.nextDeadline()).toBe(2 * MS);
    to(10 * MS);
    expect(link.reclaim()).toBe(2);
    // Never asked meanwhile: the batches of 10 … 11 ms and 11.2 … 12.2 ms, and one not yet due.
    send(0);
    to(10_900 * US);
    send(1);
    to(11_200 * US);
    send(2);
    to(12_250 * US);
    send(3);
    expect(link.reclaim()).toBe(3);
    expect(pins()).toEqual([0, 0, 0, 1, 0]);
    expect(link.nextDeadline()).toBe(13_250 * US);
  });

  test("delay lets each go T after its own transmit", () => {
    const { link, send, pins, to } = late("delay:1ms", 3);
    send(0);
    to(300 * US);
    send(1, 2);
    to(1 * MS);
    expect(link.reclaim()).toBe(1);
    expect(pins()).toEqual([0, 1, 1]);
    expect(link.nextDeadline()).toBe(1_300 * US);
    to(1_299_999);
    expect(link.reclaim()).toBe(0);
    to(1_300 * US);
    expect(link.reclaim()).toBe(2);
    expect(link.nextDeadline()).toBe(Infinity);
  });

  test("next-xmit releases on the way into a transmit what is D old, and the next reclaim counts it", () => {
    const { link, send, pins, to, clock } = late("next-xmit:100us", 4);
    send(0);
    to(50 * US);
    send(1);
    to(1 * MS);
    expect(link.reclaim()).toBe(0);
    expect(pins()).toEqual([1, 1, 0, 0]);
    expect(link.nextDeadline()).toBe(Infinity);
    send(2);
    expect(pins()).toEqual([0, 0, 1, 0]);
    expect(link.nextDeadline()).toBeLessThanOrEqual(clock.now());
    expect(link.reclaim()).toBe(2);
    to(1_099_999);
    send(3);
    expect(pins()).toEqual([0, 0, 1, 1]);
    expect(link.reclaim()).toBe(0);
    to(1_100 * US);
    send(3);
    expect(pins()).toEqual([0, 0, 0, 2]);
    expect(link.reclaim()).toBe(1);
  });

  test("on-receive releases before the first frame of a receive what is D old", () => {
    const { link, send, pins, to, pokeIn } = late("on-receive:100us", 3);
    send(0);
    to(50 * US);
    send(1);
    to(120 * US);
    expect(link.receive(() => {}, 64)).toBe(0);
    expect(pins()).toEqual([1, 1, 0]);
    pokeIn();
    let seen: number[] = [];
    const visit = () => {
      seen = pins();
    };
    expect(link.receive(visit, 64)).toBe(1);
    expect(seen).toEqual([0, 1, 0]);
    expect(link.reclaim()).toBe(1);
    to(1 * MS);
    expect(link.reclaim()).toBe(0);
    pokeIn();
    link.receive(visit, 64);
    expect(link.reclaim()).toBe(1);
  });

  test("stuck never releases", () => {
    const { link, send, pins, to, pokeIn, buffers } = late("stuck", 2);
    send(0, 1, 0);
    pokeIn();
    to(1e15);
    link.receive(() => {}, 64);
    expect(link.reclaim()).toBe(0);
    expect(pins()).toEqual([2, 1]);
    expect(link.nextDeadline()).toBe(Infinity);
    for (const buffer of buffers) expect(() => link.free(buffer)).toThrow("invariant");
  });

  test("a retransmit pins twice: each hold ends by itself, and the buffer is idle once", () => {
    const { link, send, pins, to } = late("delay:1ms", 1);
    send(0);
    to(500 * US);
    send(0);
    expect(pins()).toEqual([2]);
    to(1 * MS);
    expect(link.reclaim()).toBe(0);
    expect(pins()).toEqual([1]);
    to(1_500 * US);
    expect(link.reclaim()).toBe(1);
    expect(pins()).toEqual([0]);
  });

  test("what was refused, or lost to the MTU or a dead cable, is not held", () => {
    const { link, cable, pins, buffers } = late("stuck", 1);
    const buffer = buffers[0];
    if (buffer === undefined) throw new Error("no buffer");
    cable.congest(0, true);
    expect(link.transmit(buffer, 60)).toBe(false);
    cable.congest(0, false);
    cable.setMtu(40);
    expect(link.transmit(buffer, 60)).toBe(true);
    cable.setMtu(1500);
    cable.down(0);
    expect(link.transmit(buffer, 60)).toBe(true);
    expect(pins()).toEqual([0]);
    expect(link.counters).toMatchObject({ transmitBusy: 1, transmitErrors: 2 });
  });

  for (const [outer, inner] of [
    ["delay:1ms", "delay:3ms"],
    ["delay:3ms", "delay:1ms"],
  ] as const) {
    test(`pins add up over a link that pins (${outer} over ${inner}), and idle is counted once`, () => {
      const { link, send, pins, to } = late(outer, 2, 0, inner);
      send(0, 1);
      expect(pins()).toEqual([2, 2]);
      to(1 * MS);
      expect(link.reclaim()).toBe(0);
      expect(pins()).toEqual([1, 1]);
      to(2_500 * US);
      send(1);
      expect(pins()).toEqual([1, 3]);
      to(3 * MS);
      expect(link.reclaim()).toBe(1);
      expect(pins()).toEqual([0, 2]);
      to(5_500 * US);
      expect(link.reclaim()).toBe(1);
      expect(pins()).toEqual([0, 0]);
    });
  }

  test("a buffer that a transmit below released counts, though it is sent again before a reclaim", () => {
    const { link, send, pins, to } = late("next-xmit:150us", 4, 0, "next-xmit:150us");
    send(3);
    to(150 * US);
    send(0);
    expect(pins()).toEqual([2, 0, 0, 0]);
    send(3);
    expect(link.reclaim()).toBe(1);
    to(1 * MS);
    send(1);
    expect(link.reclaim()).toBe(2);
    expect(pins()).toEqual([0, 2, 0, 0]);
  });

  test("idle is reported exactly as often as a buffer becomes it, whatever happens", () => {
    const models = ["coalesce:5/300us", "delay:200us", "next-xmit:150us", "on-receive:150us"];
    const step = fc.record({
      what: fc.constantFrom("send", "send", "send", "reclaim", "reclaim", "wait", "poke"),
      buffer: fc.nat(7),
      time: fc.nat(200 * US),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...models),
        fc.constantFrom(undefined, ...models),
        fc.array(step, { maxLength: 200 }),
        (outer, inner, steps) => {
          const { clock, link, buffers, send, to, pokeIn } = late(outer, 10, 0, inner);
          let last = buffers.map(() => 0);
          let became = 0;
          let reported = 0;
          const look = () => {
            for (const [i, buffer] of buffers.entries()) {
              if (last[i] !== 0 && buffer.pins === 0) became++;
            }
            last = buffers.map((buffer) => buffer.pins);
          };
          // A pinned buffer is sent again only where no transmit releases: it could become idle and
          // be pinned again within the one call, which can't be seen from here.
          const still = [outer, inner ?? "delay"].every((model) => model.startsWith("delay"));
          const offer = (buffer: number) => {
            if (still || buffers[buffer]?.pins === 0) send(buffer);
          };
          for (const { what, buffer, time } of steps) {
            if (what === "send") offer(buffer);
            else if (what === "reclaim") reported += link.reclaim();
            else if (what === "wait") to(clock.now() + time);
            else {
              pokeIn();
              link.receive(() => {}, 64);
            }
            look();
          }
          for (let round = 0; round < 20; round++) {
            to(clock.now() + 1 * MS);
            pokeIn();
            link.receive(() => {}, 64);
            // Two spares alternate, so that one is idle: each transmit releases the other.
            if (outer.startsWith("next") || inner?.startsWith("next") === true)
              send(8 + (round & 1));
            reported += link.reclaim();
            look();
          }
          expect(reported).toBe(became);
          expect(buffers.slice(0, 8).every((buffer) => buffer.pins === 0)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("a buffer that a transmit below released counts, though it is freed and its number lives on", () => {
    const { link, buffers, send, to } = late("delay:1ms", 2, 0, "next-xmit:0us");
    send(0);
    to(1 * MS);
    expect(link.reclaim()).toBe(0);
    send(1);
    const [first] = buffers;
    if (first === undefined) throw new Error("unreachable");
    link.free(first);
    const heir = link.allocate(60);
    if (heir === null) throw new Error("no buffer");
    expect(heir.index).toBe(first.index);
    expect(link.transmit(heir, 60)).toBe(true);
    expect(link.reclaim()).toBe(1);
  });

  test("a buffer that the link below gives again lives again", () => {
    const clock = createVirtualClock();
    const [a] = createMemoryPair({ clock });
    const same = a.allocate(60);
    const inner: Link = Object.assign(Object.create(a), { allocate: () => same, free() {} });
    const link = createReclaim(inner, parseReclaim("delay:1ms", "--reclaim"), clock);
    const buffer = link.allocate(60);
    if (buffer === null) throw new Error("no buffer");
    link.free(buffer);
    expect(() => link.transmit(buffer, 60)).toThrow("not freed");
    expect(link.allocate(60)).toBe(buffer);
    expect(link.transmit(buffer, 60)).toBe(true);
  });

  test("the queue of holds grows and goes round in order", () => {
    const { link, send, to, clock } = late("delay:1ms", 1);
    for (let i = 0; i < 300; i++) {
      send(0);
      to(clock.now() + 1 * US);
    }
    expect(link.nextDeadline()).toBe(1 * MS);
    to(1 * MS + 149 * US);
    expect(link.reclaim()).toBe(0);
    expect(link.nextDeadline()).toBe(1 * MS + 150 * US);
    to(1 * MS + 299 * US);
    expect(link.reclaim()).toBe(1);
  });

  test("the queue that grows after it has gone round keeps whose hold is whose", () => {
    const { link, send, to, pins } = late("delay:1ms", 3);
    for (let i = 0; i < 40; i++) send(0);
    to(1 * MS);
    expect(link.reclaim()).toBe(1);
    // From 40 on and over the end of the 64: 20 of one, then 100 of the other.
    for (let i = 0; i < 20; i++) send(1);
    to(1 * MS + 1 * US);
    for (let i = 0; i < 100; i++) send(2);
    expect(pins()).toEqual([0, 20, 100]);
    to(2 * MS);
    expect(link.reclaim()).toBe(1);
    expect(pins()).toEqual([0, 0, 100]);
    to(2 * MS + 1 * US);
    expect(link.reclaim()).toBe(1);
    expect(pins()).toEqual([0, 0, 0]);
  });
});
