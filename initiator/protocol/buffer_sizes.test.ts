// Buffers of a device with several links, when an MTU grows between the making of one pool and the next.

import { expect, test } from "bun:test";

import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { createRandom } from "../../words/random.ts";
import { Buffers, Pools } from "./buffers.ts";
import { createCounters } from "./counters.ts";
import { settle } from "./options.ts";
import { createPool } from "../pool/buffer_pool.ts";
import { PortState } from "./port.ts";

test("a link without a pool yet has no more room than its pool's buffers will have", () => {
  const [near, far, cable] = createMemoryPair({ clock: createVirtualClock(), mtu: 600 });
  const ports = [new PortState(near, 0), new PortState(far, 1)] as const;
  const pools = new Pools(ports, (link, frameBytes) =>
    createPool({ link, frameBytes, strategy: "completion", preallocated: 1, cap: 0 }),
  );
  const settings = settle({
    links: [near, far],
    random: createRandom(1),
    pool: (link, bytes) => pools.create(link === near ? ports[0] : ports[1], bytes),
  });
  const buffers = new Buffers(pools, settings, createCounters(), 2, () => {});
  buffers.poolOf(ports[0], true);
  cable.setMtu(9000);
  expect(buffers.roomOf(ports[1])).toBe(600);
  const buffer = buffers.poolOf(ports[1], true).acquire(0);
  expect(buffer?.bytes.length).toBe(614);
});
