// Every fault in both directions: rates by seed, delays to the nanosecond, which bits, whose buffers.
// Long because the two directions share one set of tests.

import { describe, expect, test } from "bun:test";
import { createRandom } from "../words/random.ts";
import { parseFaults } from "./fault_plan.ts";
import { createFaults, type FaultLink } from "./faults.ts";
import type { FrameView, Link, TxBuffer } from "./link.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";

const US = 1e3;
const SEED = 1;
const LENGTH = 64;

/** End `a` has the faults; a frame's number stands in bytes 40–43. */
function faulty(
  plan: string,
  options: {
    slots?: number;
    longestDelay?: number;
    seed?: number;
    below?: string;
    queueFrames?: number;
  } = {},
) {
  const { below, seed, queueFrames, ...rest } = options;
  const clock = createVirtualClock();
  const [raw, b, cable] = createMemoryPair({ clock, queueFrames: queueFrames ?? 4096 });
  const inner = below === undefined ? raw : createReclaim(raw, parseReclaim(below, "x"), clock);
  const a = createFaults(inner, parseFaults(plan, "--faults"), {
    clock,
    random: createRandom(seed ?? SEED),
    ...rest,
  });
  const fromA = buffer(a);
  const fromB = buffer(b);
  /** [number, ns] of each frame that `link` has handed out. */
  const seen: [number, number][] = [];
  const whole: Uint8Array[] = [];
  const visit = (frame: FrameView) => {
    seen.push([frame.view.getUint32(frame.base + 40), frame.at]);
    whole.push(frame.bytes.slice(frame.base, frame.base + frame.length));
  };
  return {
    clock,
    cable,
    a,
    b,
    fromA,
    fromB,
    seen,
    whole,
    send(from: Link, number: number): boolean {
      const buffer = from === a ? fromA : fromB;
      buffer.view.setUint32(40, number);
      return from.transmit(buffer, LENGTH);
    },
    /** As a loop would, until `time`: turns both links whenever one has something due. */
    run(time: number, limit = 64) {
      for (;;) {
        // Carriers are no business of the core's: over a copying link nothing ever becomes idle.
        if (below === undefined) expect(a.reclaim()).toBe(0);
        else a.reclaim();
        a.receive(visit, limit);
        b.receive(visit, limit);
        const next = Math.min(a.nextDeadline(), b.nextDeadline());
        if (next > time) break;
        if (next > clock.now()) clock.wait(next);
      }
      while (clock.now() < time) clock.wait(time);
    },
  };
}

function buffer(link: Link, size = LENGTH): TxBuffer {
  const made = link.allocate(size);
  if (made === null) throw new Error("no buffer");
  made.view.setUint16(0, 0xffff);
  made.view.setUint32(2, 0xffff_ffff);
  for (let i = 14; i < size; i++) made.bytes[i] = i;
  return made;
}

function bitsApart(a: Uint8Array, b: Uint8Array): number[] {
  const apart: number[] = [];
  for (let bit = 0; bit < a.length * 8; bit++) {
    const mask = 1 << (bit & 7);
    if ((((a[bit >> 3] ?? 0) ^ (b[bit >> 3] ?? 0)) & mask) !== 0) apart.push(bit);
  }
  return apart;
}

/** Within five standard deviations of `n` draws of probability `p`. */
function near(count: number, n: number, p: number): void {
  const slack = 5 * Math.sqrt(n * p * (1 - p)) + 1;
  expect(count).toBeGreaterThan(n * p - slack);
  expect(count).toBeLessThan(n * p + slack);
}

const BOTH = ["tx", "rx"] as const;

for (const direction of BOTH) {
  describe(`faults, ${direction}`, () => {
    const from = (end: { a: FaultLink; b: Link }) => (direction === "tx" ? end.a : end.b);

    test("drop loses its share, and nothing else", () => {
      const end = faulty(`${direction}:drop:10%`);
      for (let i = 0; i < 10_000; i++) {
        expect(end.send(from(end), i)).toBe(true);
        if (i % 64 === 63) end.run(end.clock.now() + US);
      }
      end.run(1e9);
      const counters = end.a.faults[direction];
      expect(counters.frames).toBe(10_000);
      near(counters.dropped, 10_000, 0.1);
      expect(end.seen.length).toBe(10_000 - counters.dropped);
      const numbers = end.seen.map(([number]) => number);
      expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
    });

    test("drop:100% loses all, drop:0 none", () => {
      const all = faulty(`${direction}:drop:100%`);
      const none = faulty(`${direction}:drop:0`);
      for (const end of [all, none]) {
        for (let i = 0; i < 100; i++) end.send(from(end), i);
        end.run(1e6);
      }
      expect(all.seen.length).toBe(0);
      expect(none.seen.length).toBe(100);
    });

    for (const [part, low, high] of [
      ["", 14, LENGTH],
      ["/frame", 0, LENGTH],
      ["/header", 14, 36],
      ["/payload", 36, LENGTH],
    ] as const) {
      test(`corrupt:20%${part} flips one bit, all bits of bytes ${low}–${high - 1} alike, and not the sender's`, () => {
        const end = faulty(`${direction}:corrupt:20%${part}`);
        const sender = direction === "tx" ? end.fromA : end.fromB;
        const hits = new Map<number, number>();
        let struck = 0;
        for (let i = 0; i < 20_000; i++) {
          end.send(from(end), 7);
          end.run(end.clock.now() + US);
          const got = end.whole.pop();
          if (got === undefined) throw new Error("no frame");
          const apart = bitsApart(got, sender.bytes.subarray(0, LENGTH));
          expect(apart.length).toBeLessThanOrEqual(1);
          struck += apart.length;
          for (const bit of apart) hits.set(bit, (hits.get(bit) ?? 0) + 1);
        }
        near(struck, 20_000, 0.2);
        expect(end.a.faults[direction].corrupted).toBe(struck);
        const bits = [...hits.keys()].toSorted((x, y) => x - y);
        expect(bits).toEqual(Array.from({ length: (high - low) * 8 }, (_, i) => low * 8 + i));
        for (const count of hits.values()) near(count, struck, 1 / ((high - low) * 8));
      });
    }

    test("duplicate sends a second copy behind the frame", () => {
      const end = faulty(`${direction}:duplicate:30%`);
      for (let i = 0; i < 5000; i++) {
        end.send(from(end), i);
        end.run(end.clock.now() + US);
      }
      const { duplicated } = end.a.faults[direction];
      near(duplicated, 5000, 0.3);
      expect(end.seen.length).toBe(5000 + duplicated);
      const numbers = end.seen.map(([number]) => number);
      expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
      expect(new Set(numbers).size).toBe(5000);
    });

    test("a duplicate of a corrupted frame is as corrupted", () => {
      const end = faulty(`${direction}:duplicate:100%,${direction}:corrupt:100%`);
      end.send(from(end), 1);
      end.run(US);
      expect(end.whole.length).toBe(2);
      const sender = direction === "tx" ? end.fromA : end.fromB;
      expect(bitsApart(end.whole[0] ?? new Uint8Array(0), sender.bytes)).toHaveLength(1);
      expect(end.whole[1]).toEqual(end.whole[0] as Uint8Array);
    });

    test("a duplicate is late by itself", () => {
      const end = faulty(`${direction}:duplicate:100%,${direction}:delay:uniform/100us/500us`);
      end.send(from(end), 1);
      end.run(1000 * US);
      expect(end.seen.length).toBe(2);
      const [first, second] = end.seen.map(([, at]) => at);
      expect(first).toBeGreaterThanOrEqual(100 * US);
      expect(second).toBeGreaterThan(first as number);
      expect(end.a.faults[direction]).toMatchObject({ delayed: 2, duplicated: 1 });
    });

    test("delay holds every frame exactly so long", () => {
      const end = faulty(`${direction}:delay:250us`);
      for (let i = 0; i < 10; i++) {
        end.send(from(end), i);
        end.run(end.clock.now() + 100 * US);
      }
      end.run(10_000 * US);
      expect(end.seen).toEqual(
        Array.from({ length: 10 }, (_, i) => [i, (i * 100 + 250) * US] as [number, number]),
      );
      expect(end.a.faults[direction]).toMatchObject({ frames: 10, delayed: 10, crowded: 0 });
    });

    test("delay follows its distribution, and frames overtake", () => {
      const end = faulty(`${direction}:delay:uniform/0us/500us`, { slots: 4096 });
      for (let i = 0; i < 2000; i++) {
        end.send(from(end), i);
        end.run(end.clock.now() + US);
      }
      end.run(1e9);
      const delays = end.seen.map(([number, at]) => at - number * US);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...delays)).toBeLessThanOrEqual(500 * US);
      const mean = delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
      // The mean of 2,000 has a standard deviation of 500 / sqrt(12 * 2000) = 3.2 µs.
      expect(Math.abs(mean - 250 * US)).toBeLessThan(16 * US);
      const numbers = end.seen.map(([number]) => number);
      expect(numbers).not.toEqual(numbers.toSorted((x, y) => x - y));
      expect(new Set(numbers).size).toBe(2000);
    });

    test("reorder holds its share back by D, and those behind it overtake", () => {
      const end = faulty(`${direction}:reorder:10%/50us`);
      for (let i = 0; i < 3000; i++) {
        end.send(from(end), i);
        end.run(end.clock.now() + 20 * US);
      }
      end.run(1e9);
      const { reordered } = end.a.faults[direction];
      near(reordered, 3000, 0.1);
      const lateness = end.seen.map(([number, at]) => at - number * 20 * US);
      expect(lateness.filter((late) => late === 50 * US).length).toBe(reordered);
      expect(lateness.filter((late) => late === 0).length).toBe(3000 - reordered);
    });

    test("no frame is held back longer than the bound", () => {
      const end = faulty(`${direction}:delay:pareto/100us/0.5,${direction}:reorder:50%/1ms`, {
        longestDelay: 300 * US,
      });
      for (let i = 0; i < 200; i++) {
        end.send(from(end), i);
        end.run(end.clock.now() + 10 * US);
      }
      end.run(1e9);
      const delays = end.seen.map(([number, at]) => at - number * 10 * US);
      expect(Math.max(...delays)).toBe(300 * US);
      expect(Math.min(...delays)).toBeGreaterThanOrEqual(100 * US);
      expect(end.a.faults[direction].clipped).toBe(
        delays.filter((delay) => delay === 300 * US).length,
      );
    });

    test("without a slot left frames pass in time, counted", () => {
      const end = faulty(`${direction}:delay:1ms`, { slots: 3 });
      for (let i = 0; i < 5; i++) end.send(from(end), i);
      end.run(10_000 * US);
      expect(end.seen).toEqual([
        [3, 0],
        [4, 0],
        [0, 1000 * US],
        [1, 1000 * US],
        [2, 1000 * US],
      ]);
      expect(end.a.faults[direction].crowded).toBe(2);
      // The slots are free again.
      for (let i = 5; i < 8; i++) end.send(from(end), i);
      end.run(20_000 * US);
      expect(end.seen.slice(5).map(([number]) => number)).toEqual([5, 6, 7]);
      expect(end.a.faults[direction].crowded).toBe(2);
    });

    test("a seed is the same faults again, and one fault more leaves the others as they were", () => {
      const numbers = (plan: string, seed: number) => {
        const end = faulty(plan, { seed });
        for (let i = 0; i < 500; i++) {
          end.send(from(end), i);
          end.run(end.clock.now() + US);
        }
        return end.seen.map(([number]) => number);
      };
      const lossy = `${direction}:drop:20%`;
      const once = numbers(lossy, 42);
      expect(numbers(lossy, 42)).toEqual(once);
      expect(numbers(lossy, 43)).not.toEqual(once);
      const twice = numbers(`${direction}:duplicate:30%,${lossy}`, 42);
      expect(twice.length).toBeGreaterThan(once.length);
      expect([...new Set(twice)]).toEqual(once);
    });

    test("a plan can end, and what was late by it still comes", () => {
      const end = faulty(`${direction}:delay:1ms`);
      end.send(from(end), 1);
      end.run(10 * US);
      end.a.setPlan(parseFaults("", "x"));
      end.send(from(end), 2);
      end.run(10_000 * US);
      expect(end.seen).toEqual([
        [2, 10 * US],
        [1, 1000 * US],
      ]);
    });

    test("an MTU that grows fits the late frames too", () => {
      const end = faulty(`${direction}:delay:100us`);
      const link = from(end);
      const small = buffer(link, 1514);
      link.transmit(small, 1514);
      end.run(50 * US);
      end.cable.setMtu(9000);
      const large = buffer(link, 9014);
      link.transmit(large, 9014);
      end.run(300 * US);
      link.transmit(large, 9014);
      end.run(600 * US);
      expect(end.whole.map((bytes) => bytes.length)).toEqual([1514, 9014, 9014]);
      expect(end.whole[0]).toEqual(small.bytes);
      expect(end.whole[1]).toEqual(large.bytes);
    });
  });
}

describe("faults", () => {
  test("the two directions are independent", () => {
    const end = faulty("tx:drop:100%,rx:delay:1ms");
    end.send(end.a, 1);
    end.send(end.b, 2);
    end.run(5000 * US);
    expect(end.seen).toEqual([[2, 1000 * US]]);
    expect(end.a.faults.tx.dropped).toBe(1);
    expect(end.a.faults.rx.dropped).toBe(0);
  });

  test("over a link that pins: what passes pins its buffer, what was copied pins a carrier, reclaim counts only the core's", () => {
    const end = faulty("tx:duplicate:100%", { below: "delay:1ms" });
    expect(end.send(end.a, 1)).toBe(true);
    expect(end.fromA.pins).toBe(1);
    end.clock.wait(1000 * US);
    while (end.clock.now() < 1000 * US) end.clock.wait(1000 * US);
    expect(end.a.reclaim()).toBe(1);
    const late = faulty("tx:delay:100us", { below: "delay:1ms" });
    expect(late.send(late.a, 1)).toBe(true);
    expect(late.fromA.pins).toBe(0);
    late.run(5000 * US);
    expect(late.seen).toEqual([[1, 100 * US]]);
    expect(late.a.reclaim()).toBe(0);
  });

  test("carriers that stay pinned are used up, and frames then pass unharmed", () => {
    const end = faulty("tx:corrupt:100%", { below: "stuck", slots: 2 });
    for (let i = 0; i < 5; i++) end.send(end.a, i);
    end.run(US);
    const harmed = end.whole.map((bytes) => bitsApart(bytes, end.fromA.bytes).length);
    // The buffer's number changed between sends; bits beyond it are the corrupted ones.
    expect(end.a.faults.tx).toMatchObject({ frames: 5, corrupted: 2, crowded: 3 });
    expect(harmed.length).toBe(5);
    expect(end.fromA.pins).toBe(3);
  });

  test("carriers that were pinned are taken again: few of them, frame after frame", () => {
    const end = faulty("tx:corrupt:100%", { below: "delay:1ms", slots: 2 });
    for (let i = 0; i < 20; i++) {
      expect(end.send(end.a, i)).toBe(true);
      end.run((i + 1) * 2000 * US);
      expect(end.a.reclaim()).toBe(0);
    }
    expect(end.a.faults.tx).toMatchObject({ frames: 20, corrupted: 20, crowded: 0 });
    expect(end.seen).toHaveLength(20);
  });

  test("a late frame that finds no room is tried again, in its order", () => {
    const end = faulty("tx:delay:100us");
    end.send(end.a, 1);
    end.run(50 * US);
    end.send(end.a, 2);
    end.cable.congest(0, true);
    end.run(135 * US);
    expect(end.seen).toEqual([]);
    end.cable.congest(0, false);
    end.run(1000 * US);
    expect(end.seen).toEqual([
      [1, 140 * US],
      [2, 150 * US],
    ]);
  });

  test("a late frame goes before what is sent when it is due", () => {
    const end = faulty("tx:delay:100us");
    end.send(end.a, 1);
    end.a.setPlan(parseFaults("", "x"));
    while (end.clock.now() < 100 * US) end.clock.wait(100 * US);
    end.send(end.a, 2);
    end.run(200 * US);
    expect(end.seen.map(([number]) => number)).toEqual([1, 2]);
  });

  test("no room below is no room above: nothing counted, nothing lost", () => {
    for (const plan of ["", "tx:corrupt:100%", "tx:duplicate:100%"]) {
      const end = faulty(plan);
      end.cable.congest(0, true);
      expect(end.send(end.a, 1)).toBe(false);
      expect(end.a.faults.tx).toMatchObject({ frames: 0, corrupted: 0, duplicated: 0 });
      end.cable.congest(0, false);
      expect(end.send(end.a, 1)).toBe(true);
      end.run(US);
      expect(end.seen.length).toBe(plan === "tx:duplicate:100%" ? 2 : 1);
    }
  });

  test("receive keeps its limit when frames come twice", () => {
    const end = faulty("rx:duplicate:100%");
    for (let i = 0; i < 4; i++) end.send(end.b, i);
    const counts: number[] = [];
    for (let round = 0; round < 5; round++) counts.push(end.a.receive(() => {}, 3));
    expect(counts).toEqual([3, 3, 2, 0, 0]);
  });

  test("receive keeps its limit when late frames are due and others come", () => {
    const end = faulty("rx:delay:100us");
    for (let i = 0; i < 2; i++) end.send(end.b, i);
    expect(end.a.receive(() => {}, 64)).toBe(0);
    while (end.clock.now() < 100 * US) end.clock.wait(100 * US);
    end.a.setPlan(parseFaults("", "x"));
    for (let i = 2; i < 7; i++) end.send(end.b, i);
    const counts: number[] = [];
    for (let round = 0; round < 4; round++) counts.push(end.a.receive(() => {}, 3));
    expect(counts).toEqual([3, 3, 1, 0]);
  });

  test("what the link below shows is as it was once a corrupted frame has been handed on", () => {
    const clock = createVirtualClock();
    const [raw, far] = createMemoryPair({ clock });
    const whole: string[] = [];
    const below: Link = Object.assign(Object.create(raw), {
      receive: (visit: (frame: FrameView) => void, limit: number) =>
        raw.receive((frame) => {
          const text = () => frame.bytes.subarray(frame.base, frame.base + frame.length).toHex();
          whole.push(text());
          visit(frame);
          whole.push(text());
        }, limit),
    });
    const plan = parseFaults("rx:corrupt:100%", "--faults");
    const link = createFaults(below, plan, { clock, random: createRandom(SEED) });
    far.transmit(buffer(far), LENGTH);
    let seen = "";
    link.receive((frame) => {
      seen = frame.bytes.subarray(frame.base, frame.base + frame.length).toHex();
    }, 64);
    expect(whole.length).toBe(2);
    expect(seen).not.toBe(whole[0]);
    expect(whole[1]).toBe(whole[0]);
  });

  test("a link that its visitor closes hands on no more, and then sends nothing", () => {
    const end = faulty("rx:delay:1ms");
    for (let i = 0; i < 3; i++) end.send(end.b, i);
    end.a.receive(() => {}, 64);
    while (end.clock.now() < 1000 * US) end.clock.wait(1000 * US);
    let visits = 0;
    end.a.receive(() => {
      visits++;
      end.a.close();
    }, 64);
    expect(visits).toBe(1);
    end.a.setPlan(parseFaults("tx:drop:100%", "x"));
    expect(end.send(end.a, 1)).toBe(false);
    expect(end.a.faults.tx.frames).toBe(0);
  });

  test("a closed link has nothing due", () => {
    const end = faulty("tx:delay:1ms,rx:delay:1ms");
    end.send(end.a, 1);
    end.send(end.b, 2);
    end.a.receive(() => {}, 64);
    expect(end.a.nextDeadline()).toBe(1000 * US);
    end.a.close();
    expect(end.a.nextDeadline()).toBe(Infinity);
    end.run(5000 * US);
    expect(end.seen).toEqual([]);
  });
});
