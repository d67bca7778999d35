// One iteration of a loop, in its order.

import { expect, test } from "bun:test";

import type { Link } from "./link.ts";
import { type Core, frameWaits, nextDeadline, iterate } from "./loop.ts";

/** A core with two ports; `idle` buffers become free at each reclaim. */
function bed(idle: readonly number[]) {
  const calls: string[] = [];
  const ports = idle.map((count, number) => {
    const link: Partial<Link> = {
      receive(_, limit) {
        calls.push(`receive ${number} ${limit}`);
        return number + 1;
      },
      reclaim() {
        calls.push(`reclaim ${number}`);
        return count;
      },
      flush: () => calls.push(`flush ${number}`),
      nextDeadline: () => 100 - number,
      ...(number === 0 ? {} : { waiting: () => count > 0 }),
    };
    return {
      link: link as Link,
      visit() {},
      reclaimed: (many: number, now: number) => calls.push(`reclaimed ${number} ${many} ${now}`),
    };
  });
  const core: Core = {
    ports,
    begin: (now) => calls.push(`begin ${now}`),
    advance: (now) => calls.push(`advance ${now}`),
    nextDeadline: () => 200,
  };
  return { core, calls };
}

test("frames, what was released, deadlines, and what is sent goes out", () => {
  const { core, calls } = bed([0, 3]);
  expect(iterate(core, 7)).toBe(3);
  expect(calls).toEqual([
    "begin 7",
    "receive 0 64",
    "reclaim 0",
    "receive 1 64",
    "reclaim 1",
    "reclaimed 1 3 7",
    "advance 7",
    "flush 0",
    "flush 1",
  ]);
});

test("the next deadline is the earliest of the core and its links; a frame waits where a link says so", () => {
  const { core } = bed([0, 3]);
  expect(nextDeadline(core)).toBe(99);
  expect([frameWaits(core), frameWaits(bed([3, 0]).core)]).toEqual([true, false]);
});
