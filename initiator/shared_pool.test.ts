// The pool that devices without data share: more devices than it has frames.

import { expect, test } from "bun:test";

import { createMemoryPair } from "../link/memory.ts";
import { createVirtualClock, runVirtual } from "../link/virtual_clock.ts";
import { Export } from "../target/export.ts";
import { createMemoryStore } from "../target/stores/memory.ts";
import { Target } from "../target/target.ts";
import { createRandom } from "../words/random.ts";
import { createInitiator } from "./initiator.ts";
import { createPool, type StrategyName } from "./pool/buffer_pool.ts";

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
