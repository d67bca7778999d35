// The heap of deadlines, against a sorted array.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createRandom } from "../words/random.ts";
import { createDeadlines } from "./deadlines.ts";

describe("deadlines", () => {
  test("pop in the order of time, and of setting among equals", () => {
    const deadlines = createDeadlines(2);
    deadlines.set(5, 100);
    deadlines.set(1, 50);
    deadlines.set(9, 100);
    deadlines.set(3, 100);
    deadlines.set(5, 100); // set again: behind its equals
    expect(deadlines.next()).toBe(50);
    expect(deadlines.pop(49)).toBe(-1);
    expect([1, 2, 3, 4, 5].map(() => deadlines.pop(100))).toEqual([1, 9, 3, 5, -1]);
    expect(deadlines.next()).toBe(Infinity);
  });

  test("a cleared handle never fires, clearing twice or an unknown one is nothing", () => {
    const deadlines = createDeadlines();
    deadlines.set(0, 10);
    deadlines.set(1, 20);
    deadlines.clear(0);
    deadlines.clear(0);
    deadlines.clear(4000);
    expect(deadlines.at(0)).toBe(Infinity);
    expect(deadlines.at(4000)).toBe(Infinity);
    expect(deadlines.at(1)).toBe(20);
    deadlines.set(1, Infinity);
    expect(deadlines.size).toBe(0);
    expect(deadlines.pop(Number.MAX_VALUE)).toBe(-1);
  });

  test("a hole under a late parent takes an early handle from another branch", () => {
    const deadlines = createDeadlines();
    // Set in this order they stand in the heap as they are listed: 10's children are 11 and 12.
    for (const [handle, at] of [1, 10, 2, 11, 12, 20, 4].entries()) deadlines.set(handle, at);
    deadlines.clear(3);
    expect([1, 2, 3, 4, 5, 6].map(() => deadlines.pop(99))).toEqual([0, 2, 6, 1, 4, 5]);
  });

  test.each([3, 40, 1000])(
    "few times, %d at most, many handles, and nobody looks for long",
    (times) => {
      const random = createRandom(times);
      const deadlines = createDeadlines(4);
      let model: { handle: number; at: number }[] = [];
      for (let round = 0; round < 60; round++) {
        // Earlier, later and at the same time again, the order among equals by the last `set`.
        for (let set = random.below(80); set > 0; set--) {
          const handle = random.below(64);
          const before = deadlines.at(handle);
          const at = random.below(3) === 0 && before < Infinity ? before : random.below(times);
          deadlines.set(handle, at);
          model = [...model.filter((each) => each.handle !== handle), { handle, at }];
          if (random.below(8) > 0) continue;
          const cleared = random.below(64);
          deadlines.clear(cleared);
          model = model.filter((each) => each.handle !== cleared);
        }
        // In half of the rounds: looking puts the top right, and the rest must be right without it.
        if (round % 2 === 0) {
          const [first] = model.toSorted((x, y) => x.at - y.at);
          if (round % 4 === 0) expect(deadlines.first()).toBe(first?.handle ?? -1);
          expect(deadlines.next()).toBe(first?.at ?? Infinity);
        }
        const now = random.below(times + 1);
        const due = model.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
        const popped: number[] = [];
        for (let handle = deadlines.pop(now); handle >= 0; handle = deadlines.pop(now)) {
          popped.push(handle);
        }
        expect(popped).toEqual(due.map(({ handle }) => handle));
        model = model.filter(({ at }) => at > now);
        expect(deadlines.size).toBe(model.length);
      }
    },
  );

  test("refuses what has no order", () => {
    const deadlines = createDeadlines();
    expect(() => deadlines.set(0, Number.NaN)).toThrow("invariant");
    expect(() => deadlines.set(0, -Infinity)).toThrow("invariant");
    expect(() => deadlines.set(-1, 1)).toThrow("invariant");
    expect(() => deadlines.set(1.5e9 + 0.5, 1)).toThrow("invariant");
  });

  test("agrees with a sorted array through any sequence of set, clear and pop", () => {
    const step = fc.oneof(
      fc.record({ what: fc.constant("set" as const), handle: fc.nat(40), at: fc.nat(12) }),
      fc.record({ what: fc.constant("clear" as const), handle: fc.nat(40), at: fc.constant(0) }),
      fc.record({ what: fc.constant("pop" as const), handle: fc.constant(0), at: fc.nat(12) }),
      // Looking puts the heap in order: what was not looked at must come out right, too.
      fc.record({ what: fc.constant("look" as const), handle: fc.constant(0), at: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const deadlines = createDeadlines(1);
        const model: { handle: number; at: number; order: number }[] = [];
        const forget = (handle: number) => {
          const index = model.findIndex((entry) => entry.handle === handle);
          if (index >= 0) model.splice(index, 1);
        };
        let order = 0;
        for (const { what, handle, at } of steps) {
          if (what === "set") {
            deadlines.set(handle, at);
            forget(handle);
            model.push({ handle, at, order: order++ });
            model.sort((a, b) => a.at - b.at || a.order - b.order);
          } else if (what === "clear") {
            deadlines.clear(handle);
            forget(handle);
          } else if (what === "pop") {
            const first = model[0];
            const due = first !== undefined && first.at <= at;
            expect(deadlines.pop(at)).toBe(due ? first.handle : -1);
            if (due) model.shift();
          } else {
            expect(deadlines.next()).toBe(model[0]?.at ?? Infinity);
            expect(deadlines.first()).toBe(model[0]?.handle ?? -1);
          }
          expect(deadlines.size).toBe(model.length);
        }
        for (let handle = 0; handle <= 40; handle++) {
          expect(deadlines.at(handle)).toBe(
            model.find((entry) => entry.handle === handle)?.at ?? Infinity,
          );
        }
        expect(model.map(() => deadlines.pop(99))).toEqual(model.map((entry) => entry.handle));
      }),
      { numRuns: 300 },
    );
  });
});
