// The memory link's own ways: arrivals, losses, a full queue, dead cables, the switch.

import { describe, expect, test } from "bun:test";
import { BROADCAST, writeMac } from "../wire/mac.ts";
import {
  type FrameView,
  type Link,
  TO_BROADCAST,
  TO_HOST,
  TO_MULTICAST,
  TO_OTHER,
  type TxBuffer,
} from "./link.ts";
import { createMemoryPair, createMemorySwitch } from "./memory.ts";
import { createVirtualClock } from "./virtual_clock.ts";

const A = 0x0200_0000_0001;
const B = 0x0200_0000_0002;
const C = 0x0200_0000_0003;

function buffer(link: Link, to: number, mark: number, size = 64): TxBuffer {
  const made = link.allocate(size);
  if (made === null) throw new Error("no buffer");
  writeMac(made.view, 0, to);
  made.bytes[14] = mark;
  return made;
}

/** What `link` has now: [mark, addressed, at] of each frame. */
function drain(link: Link, limit = 64): number[][] {
  const seen: number[][] = [];
  const visit = (frame: FrameView) => {
    seen.push([frame.bytes[frame.base + 14] ?? -1, frame.addressed, frame.at]);
  };
  link.receive(visit, limit);
  return seen;
}

describe("memory pair", () => {
  test("a frame arrives `latency` later, and waiting ends there", () => {
    const clock = createVirtualClock(1000);
    const [a, b] = createMemoryPair({ clock, latency: 500, macA: A, macB: B });
    a.transmit(buffer(a, B, 7), 60);
    expect(drain(b)).toEqual([]);
    expect(b.nextDeadline()).toBe(1500);
    clock.wait(1_000_000);
    expect(clock.now()).toBe(1500);
    expect(drain(b)).toEqual([[7, TO_HOST, 1500]]);
    expect(b.nextDeadline()).toBe(Infinity);
    clock.wait(1_000_000);
    expect(clock.now()).toBe(1_000_000);
  });

  test("a shorter latency lets no frame overtake another", () => {
    const clock = createVirtualClock();
    const [a, b, cable] = createMemoryPair({ clock, latency: 500, macA: A, macB: B });
    a.transmit(buffer(a, B, 1), 60);
    cable.setLatency(100);
    a.transmit(buffer(a, B, 2), 60);
    clock.wait(499);
    expect(drain(b)).toEqual([]);
    clock.wait(500);
    expect(drain(b)).toEqual([
      [1, TO_HOST, 500],
      [2, TO_HOST, 500],
    ]);
  });

  test("a full queue loses the newest, counted", () => {
    const clock = createVirtualClock();
    const [a, b] = createMemoryPair({ clock, queueFrames: 3, macA: A, macB: B });
    for (let mark = 1; mark <= 5; mark++) a.transmit(buffer(a, B, mark), 60);
    expect(drain(b).map(([mark]) => mark)).toEqual([1, 2, 3]);
    expect(b.counters).toMatchObject({ received: 3, receiveDrops: 2 });
    expect(a.counters).toMatchObject({ transmitted: 5, transmitErrors: 0 });
    // The ring goes round.
    for (let mark = 6; mark <= 8; mark++) a.transmit(buffer(a, B, mark), 60);
    expect(drain(b, 2).map(([mark]) => mark)).toEqual([6, 7]);
    a.transmit(buffer(a, B, 9), 60);
    expect(drain(b).map(([mark]) => mark)).toEqual([8, 9]);
  });

  test("an unplugged end loses what is under way, keeps what has arrived, and tells its core", () => {
    const clock = createVirtualClock();
    const [a, b, cable] = createMemoryPair({ clock, latency: 10, macA: A, macB: B });
    let changes = 0;
    b.onChange = () => {
      changes++;
    };
    a.transmit(buffer(a, B, 1), 60);
    clock.wait(10);
    a.transmit(buffer(a, B, 2), 60);
    cable.down(1);
    expect(changes).toBe(0);
    expect(b.nextDeadline()).toBeLessThanOrEqual(clock.now());
    expect(drain(b)).toEqual([[1, TO_HOST, 10]]);
    expect(changes).toBe(1);
    a.transmit(buffer(a, B, 3), 60);
    expect(b.transmit(buffer(b, A, 4), 60)).toBe(true);
    expect(b.counters).toMatchObject({ transmitted: 0, transmitErrors: 1, lastErrno: 100 });
    cable.up(1);
    a.transmit(buffer(a, B, 5), 60);
    clock.wait(100);
    clock.wait(100);
    expect(drain(b).map(([mark]) => mark)).toEqual([5]);
    expect(changes).toBe(2);
    expect(drain(a)).toEqual([]);
  });

  test("an MTU that grows while frames are under way keeps them whole", () => {
    const clock = createVirtualClock();
    const [a, b, cable] = createMemoryPair({ clock, mtu: 100, macA: A, macB: B });
    const small = buffer(a, B, 1, 114);
    small.bytes.fill(0x11, 14);
    a.transmit(small, 114);
    cable.setMtu(9000);
    expect([a.mtu, b.mtu]).toEqual([9000, 9000]);
    const large = buffer(a, B, 2, 9014);
    large.bytes.fill(0x22, 14);
    a.transmit(large, 9014);
    const seen: Uint8Array[] = [];
    b.receive((frame) => seen.push(frame.bytes.slice(frame.base, frame.base + frame.length)), 9);
    expect(seen).toEqual([small.bytes, large.bytes]);
  });

  test("a queue that fills grows up to its bound, whole and in order, wherever its ring stands", () => {
    for (let skip = 0; skip < 20; skip++) {
      const clock = createVirtualClock();
      const [a, b] = createMemoryPair({ clock, queueFrames: 50, macA: A, macB: B });
      let mark = 0;
      let wanted = 0;
      const send = () => a.transmit(buffer(a, B, mark++), 64);
      const take = (count: number) => {
        const seen = drain(b, count).map(([each]) => each);
        expect(seen).toEqual(Array.from({ length: count }, () => wanted++));
      };
      // Never empty between, so the ring's head moves on to place `skip`.
      send();
      for (let i = 0; i < skip; i++) {
        send();
        take(1);
      }
      for (let i = 1; i < 50; i++) send();
      expect(b.counters.receiveDrops).toBe(0);
      a.transmit(buffer(a, B, 255), 64);
      expect(b.counters.receiveDrops).toBe(1);
      take(50);
    }
  });

  test("a frame stays as it is while it is visited, though its queue grows meanwhile", () => {
    const clock = createVirtualClock();
    const [a, b] = createMemoryPair({ clock, mtu: 100, macA: A, macB: B });
    a.transmit(buffer(a, B, 1), 64);
    const seen: (number | undefined)[] = [];
    const visit = (frame: FrameView) => {
      const before = frame.bytes.slice(frame.base, frame.base + frame.length);
      if (seen.length === 0) {
        for (let mark = 2; mark <= 80; mark++) a.transmit(buffer(a, B, mark), 64);
      }
      expect(frame.bytes.slice(frame.base, frame.base + frame.length)).toEqual(before);
      expect(frame.view.getUint8(frame.base + 14)).toBe(before[14] as number);
      seen.push(before[14]);
    };
    b.receive(visit, 100);
    expect(seen).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
  });

  test("a freed buffer's memory is used again by the next of its size, and by no other", () => {
    const clock = createVirtualClock();
    const [a] = createMemoryPair({ clock, macA: A, macB: B });
    const first = buffer(a, B, 1);
    const other = buffer(a, B, 2);
    a.free(first);
    const again = buffer(a, B, 3);
    expect(again.bytes).toBe(first.bytes);
    expect(again.index).toBe(first.index);
    expect(again.bytes).not.toBe(other.bytes);
    // Who holds on to the freed one is told, whatever became of its memory.
    expect(() => a.transmit(first, 64)).toThrow("invariant");
    a.free(again);
    const larger = buffer(a, B, 4, 128);
    expect(larger.bytes.length).toBe(128);
    expect(larger.index).toBe(first.index);
  });

  test("a buffer larger than a slot writes nothing behind it", () => {
    const clock = createVirtualClock();
    const [a, b] = createMemoryPair({ clock, mtu: 1000, queueFrames: 3, macA: A, macB: B });
    const first = buffer(a, B, 1, 1014);
    first.bytes.fill(0x11, 14);
    const second = buffer(a, B, 2, 4000);
    second.bytes.fill(0x22, 14);
    // Slots 0, 1, 2, and 0 again behind 2: a spill over would show in the frame at the head.
    for (let i = 0; i < 2; i++) a.transmit(second, 1014);
    a.transmit(second, 900);
    drain(b, 2);
    a.transmit(first, 1014);
    a.transmit(second, 900);
    const seen: Uint8Array[] = [];
    b.receive((frame) => seen.push(frame.bytes.slice(frame.base, frame.base + frame.length)), 9);
    expect(seen).toEqual([
      second.bytes.slice(0, 900),
      first.bytes.slice(),
      second.bytes.slice(0, 900),
    ]);
  });

  test("misuse of a buffer is a broken invariant", () => {
    const clock = createVirtualClock();
    const [a, b] = createMemoryPair({ clock });
    const mine = buffer(a, B, 1);
    expect(() => b.transmit(mine, 60)).toThrow("invariant");
    expect(() => a.transmit(mine, 65)).toThrow("invariant");
    expect(() => a.transmit(mine, 13)).toThrow("invariant");
    a.free(mine);
    expect(() => a.free(mine)).toThrow("invariant");
    expect(() => a.transmit(mine, 60)).toThrow("invariant");
  });
});

describe("memory switch", () => {
  test("sends to the port of an address, to all others for group and unknown ones", () => {
    const clock = createVirtualClock();
    const { links } = createMemorySwitch({ clock, macs: [A, B, C] });
    const [a, b, c] = links as [Link, Link, Link];
    a.transmit(buffer(a, B, 1), 60);
    a.transmit(buffer(a, BROADCAST, 2), 60);
    b.transmit(buffer(b, 0x0100_5e00_0001, 3), 60);
    c.transmit(buffer(c, 0x0200_0000_00ff, 4), 60);
    c.transmit(buffer(c, C, 5), 60);
    const seen = links.map((link) => drain(link).map(([mark, kind]) => [mark, kind]));
    expect(seen).toEqual([
      [
        [3, TO_MULTICAST],
        [4, TO_OTHER],
      ],
      [
        [1, TO_HOST],
        [2, TO_BROADCAST],
        [4, TO_OTHER],
      ],
      [
        [2, TO_BROADCAST],
        [3, TO_MULTICAST],
      ],
    ]);
  });
});

describe("a change of MTU or carrier", () => {
  test("is due at once, ends a wait, and is told once, by the next receive", () => {
    const clock = createVirtualClock();
    const [a, , cable] = createMemoryPair({ clock, latency: 1000 });
    let told = 0;
    a.onChange = () => told++;
    clock.wait(50);
    cable.setMtu(9000, 0);
    expect(a.nextDeadline()).toBe(0);
    const before = clock.now();
    clock.wait(before + 1e9);
    expect(clock.now()).toBe(before);
    expect(told).toBe(0);
    for (let round = 0; round < 2; round++) {
      a.receive(() => {}, 64);
      expect([told, a.nextDeadline()]).toEqual([1, Infinity]);
    }
  });

  test("to what was already so is none, and a closed link tells none", () => {
    const clock = createVirtualClock();
    const [a, b, cable] = createMemoryPair({ clock });
    let told = 0;
    a.onChange = b.onChange = () => told++;
    cable.setMtu(1500);
    cable.setMac(0, a.mac);
    cable.up(0);
    a.receive(() => {}, 64);
    b.receive(() => {}, 64);
    expect(told).toBe(0);
    cable.setMtu(9000, 0);
    a.close();
    b.close();
    cable.setMtu(9000, 1);
    for (const link of [a, b]) {
      link.receive(() => {}, 64);
      expect(link.nextDeadline()).toBe(Infinity);
    }
    expect(told).toBe(0);
  });
});
