// The pool that devices without data share: more devices than it has frames.

import { expect, test } from "bun:test";

import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { Buffers, Pools } from "./buffers.ts";
import { createCounters } from "./counters.ts";
import { createInitiator } from "./initiator.ts";
import { settle } from "./options.ts";
import { createPool, type StrategyName } from "../pool/buffer_pool.ts";
import { PortState } from "./port.ts";

/** How many of `count` devices are identified within a second, well below the timeout of 10 s. */
function identified(count: number, strategy: StrategyName, preallocated: number): number {
  const clock = createVirtualClock();
  const [near, far] = createMemoryPair({ clock, latency: 10e3 });
  const target = new Target();
  for (let minor = 0; minor < count; minor++) {
    target.addExport(new Export({ major: 7, minor, store: createMemoryStore(8) }));
  }
  target.addPort(far, "memory");
  const initiator = createInitiator({
    links: [near],
    random: createRandom(1),
    pool: (link, frameBytes) => createPool({ link, frameBytes, strategy, preallocated, cap: 0 }),
  });
  initiator.discover();
  runVirtual([initiator, target], clock, () => false, 1e9);
  return initiator.devices.filter(({ sectors }) => sectors === 8).length;
}

test("every device has its turn at a pool with fewer frames", () => {
  expect(identified(40, "fixed", 16)).toBe(40);
  expect(identified(40, "completion", 1)).toBe(40);
  expect(identified(100, "uncapped", 1)).toBe(100);
});

test("a turn that somebody else was quicker to take is over", () => {
  const [link] = createMemoryPair({ clock: createVirtualClock() });
  const port = new PortState(link, 0);
  const options = {
    links: [link],
    random: createRandom(1),
    pool: () => createPool({ link, frameBytes: 60, strategy: "uncapped", preallocated: 1, cap: 0 }),
  } as const;
  const pools = new Pools([port], options.pool);
  let touches = 0;
  const make = (touch: () => void) =>
    new Buffers(pools, settle(options), createCounters(), 1, touch);
  const quick = make(() => {});
  const slow = make(() => {
    touches++;
  });
  const pool = pools.sharedOf(port);
  const buffer = quick.acquire(pool, port, 0);
  if (buffer === null) throw new Error("the pool has a buffer");
  expect(slow.acquire(pool, port, 0)).toBeNull();
  quick.release(pool, buffer, port, 1);
  expect(touches).toBe(1);
  // Before the slow one is driven.
  const again = quick.acquire(pool, port, 1);
  if (again === null) throw new Error("the pool has a buffer again");
  slow.begin();
  expect(slow.acquire(pool, port, 1)).toBeNull();
  slow.settle(0, 1);
  expect(touches).toBe(1);
  // It still stands in line.
  quick.release(pool, again, port, 2);
  expect(touches).toBe(2);
  expect(slow.acquire(pool, port, 2)).toBe(again);
});
