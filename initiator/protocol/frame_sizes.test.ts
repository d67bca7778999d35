// How large a command each interface of a target takes, when they differ and when one has changed.

import { expect, test } from "bun:test";

import { createFaults } from "../../link/faults.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import type { Link } from "../../link/link.ts";
import { createMemorySwitch } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { Command, OK } from "./command.ts";
import type { Device } from "./device.ts";
import { createInitiator } from "./initiator.ts";
import { createPool } from "../pool/buffer_pool.ts";
import { READ, WRITE } from "./operation.ts";

const SECTORS = 64;
const NOTHING = parseFaults("", "faults");
const ALL_LOST = parseFaults("tx:drop:100%", "faults");

/** A target with two interfaces, an initiator with one; all at 9000. */
function build() {
  const clock = createVirtualClock();
  const network = createMemorySwitch({ clock, latency: 10e3, mtu: 9000, macs: [2, 4, 6] });
  const [first, second, own] = network.links as [Link, Link, Link];
  const faulty = createFaults(first, NOTHING, { clock, random: createRandom(1) });
  const target = new Target();
  const store = createMemoryStore(SECTORS);
  target.addExport(new Export({ major: 7, minor: 3, store }));
  const initiator = createInitiator({
    links: [own],
    random: createRandom(1),
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
  });
  const run = (until: () => boolean) =>
    runVirtual([initiator, target], clock, until, clock.now() + 30e9);
  return {
    clock,
    network,
    faulty,
    target,
    initiator,
    store,
    second,
    /** The device, found by as many addresses. */
    find(addresses: number): Device {
      initiator.discover();
      const found = () =>
        initiator.devices.some(({ paths, sectors }) => paths.length === addresses && sectors > 0);
      if (!run(found)) throw new Error("the device was not found");
      run(() =>
        initiator.devices.every(({ paths }) => paths.every(({ unverified }) => !unverified)),
      );
      return initiator.devices[0] as Device;
    },
    /** Writes and reads the whole device, several times over all paths; the outcomes, and whether the data came. */
    exercise(device: Device): { outcomes: number[]; same: boolean } {
      const outcomes: number[] = [];
      const bytes = new Uint8Array(SECTORS * 512);
      for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) & 0xff;
      const got = new Uint8Array(bytes.length);
      for (const [operation, memory] of [
        [WRITE, bytes],
        [READ, got],
        [READ, got],
      ] as const) {
        let ended = 0;
        const pieces = 4;
        for (let piece = 0; piece < pieces; piece++) {
          const command = new Command();
          command.operation = operation;
          command.lba = (piece * SECTORS) / pieces;
          command.sectors = SECTORS / pieces;
          command.memory = { bytes: memory, view: new DataView(memory.buffer), address: 0 };
          command.offset = command.lba * 512;
          command.done = ({ outcome }) => {
            outcomes.push(outcome);
            ended++;
          };
          initiator.begin(clock.now());
          device.submit(command);
        }
        run(() => ended === pieces);
      }
      return { outcomes, same: Buffer.from(bytes).equals(Buffer.from(got)) };
    },
  };
}

test("each path carries what its own end of the target says, not what the last one said", () => {
  const world = build();
  world.target.addPort(world.faulty, "first");
  world.target.addPort(world.second, "second");
  world.network.setMtu(600, 0);
  const device = world.find(2);
  expect(device.paths.map(({ sectors }) => sectors).sort((a, b) => a - b)).toEqual([1, 17]);
  const { outcomes, same } = world.exercise(device);
  expect(new Set(outcomes)).toEqual(new Set([OK]));
  expect(same).toBe(true);
  expect(device.counters.aoeErrors).toBe(0);
});

test.each([
  [2600, 5],
  [600, 1],
])(
  "an MTU that shrank to %d behind a lost announcement costs a refusal, not a command",
  (mtu, most) => {
    const world = build();
    world.target.addPort(world.faulty, "first");
    const device = world.find(1);
    expect(device.paths[0]?.sectors).toBe(17);
    world.faulty.setPlan(ALL_LOST);
    world.network.setMtu(mtu, 0);
    runVirtual([world.initiator, world.target], world.clock, () => false, world.clock.now() + 1e6);
    world.faulty.setPlan(NOTHING);
    expect(device.paths[0]?.sectors).toBe(17);
    const { outcomes, same } = world.exercise(device);
    expect(new Set(outcomes)).toEqual(new Set([OK]));
    expect(same).toBe(true);
    expect(device.counters.aoeErrors).toBeGreaterThan(0);
    // It has asked, and knows again what the target takes.
    expect(device.paths[0]?.sectors).toBe(most);
  },
);
