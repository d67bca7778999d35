// Target and initiator against each other under the virtual clock: what is read is what was written,
// whatever the network does to frames, and every command ends.

import { describe, expect, test } from "bun:test";

import { ATA_ERROR, Command, OK } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import type { InitiatorOptions } from "../../initiator/protocol/options.ts";
import { createPool, type StrategyName } from "../../initiator/pool/buffer_pool.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Link, Memory } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore, type MemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { FLUSH, READ, WRITE } from "../../initiator/protocol/operation.ts";

interface World {
  readonly clock: VirtualClock;
  readonly target: Target;
  readonly store: MemoryStore;
  readonly initiator: Initiator;
  readonly device: Device;
  readonly link: Link;
  run(until: () => boolean): void;
}

interface WorldOptions {
  readonly seed: number;
  readonly sectors?: number;
  readonly mtu?: number;
  readonly latency?: number;
  readonly faults?: string;
  readonly reclaim?: string;
  readonly strategy?: StrategyName;
  readonly bufferCount?: number;
  readonly options?: Partial<InitiatorOptions>;
}

/** An end to every run, virtual ns: 1000 s. */
const END = 1e12;

function build(given: WorldOptions): World {
  const clock = createVirtualClock();
  const random = createRandom(given.seed);
  const [a, b] = createMemoryPair({
    clock,
    latency: given.latency ?? 10e3,
    mtu: given.mtu ?? 1500,
    queueFrames: 4096,
  });
  const plan = parseFaults(given.faults ?? "", "--faults");
  const faulty = createFaults(a, plan, { clock, random: random.fork("faults") });
  const link = createReclaim(faulty, parseReclaim(given.reclaim ?? "eager", "--reclaim"), clock);
  const store = createMemoryStore(given.sectors ?? 4096);
  const target = new Target();
  target.addExport(new Export({ major: 7, minor: 3, store, bufferCount: given.bufferCount ?? 64 }));
  target.addPort(b, "memory");
  const initiator = createInitiator({
    links: [link],
    clock,
    random: random.fork("tags"),
    pool: (of, frameBytes) =>
      createPool({
        link: of,
        frameBytes,
        strategy: given.strategy ?? "completion",
        preallocated: 16,
        cap: 256,
        verify: true,
      }),
    ...given.options,
  });
  const run = (until: () => boolean): void => {
    if (!runVirtual([initiator, target], clock, until, clock.now() + END)) {
      throw new Error(`nothing more happens at ${clock.now()} ns`);
    }
  };
  initiator.discover();
  run(() => {
    const device = initiator.device({ major: 7, minor: 3 });
    if (device !== undefined && device.pending === 0 && device.identity === null) device.identify();
    return device !== undefined && device.identity !== null;
  });
  const device = initiator.device({ major: 7, minor: 3 }) as Device;
  return { clock, target, store, initiator, device, link, run };
}

function memory(bytes: number): Memory {
  const array = new Uint8Array(bytes);
  return { bytes: array, view: new DataView(array.buffer), address: 0 };
}

interface Tally {
  commands: number;
  failed: number;
  mismatches: number;
}

/** Random reads, writes and flushes, `depth` at a time, no two at once on one sector, against a plain array. */
function exercise(
  world: World,
  seed: number,
  commands: number,
  depth: number,
  most: number,
): Tally {
  const random = createRandom(seed).fork("exercise");
  const { device } = world;
  const sectors = device.sectors;
  const model = new Uint8Array(sectors * 512);
  /** Sectors whose content a failed write left open. */
  const open = new Uint8Array(sectors);
  const busy = new Uint8Array(sectors);
  const tally: Tally = { commands: 0, failed: 0, mismatches: 0 };
  let started = 0;
  const start = (command: Command): void => {
    if (started >= commands) return;
    started++;
    const kind = random.below(20);
    command.operation = kind === 0 ? FLUSH : kind < 10 ? READ : WRITE;
    if (command.operation === FLUSH) {
      command.sectors = 0;
    } else {
      do {
        command.sectors = 1 + random.below(most);
        command.lba = random.below(sectors - command.sectors);
      } while (busy.subarray(command.lba, command.lba + command.sectors).some((b) => b !== 0));
      busy.fill(1, command.lba, command.lba + command.sectors);
      if (command.operation === WRITE) {
        const bytes = (command.memory as Memory).bytes;
        for (let at = 0; at < command.sectors * 512; at += 4) {
          (command.memory as Memory).view.setUint32(at, random.next());
        }
        model.set(bytes.subarray(0, command.sectors * 512), command.lba * 512);
      }
    }
    device.submit(command);
  };
  const done = (command: Command): void => {
    tally.commands++;
    const { lba } = command;
    const end = lba + command.sectors;
    if (command.operation !== FLUSH) busy.fill(0, lba, end);
    if (command.outcome !== OK) tally.failed++;
    if (command.operation === WRITE) open.fill(command.outcome === OK ? 0 : 1, lba, end);
    if (command.operation === READ && command.outcome === OK) {
      const { bytes } = command.memory as Memory;
      for (let sector = lba; sector < end; sector++) {
        if (open[sector] !== 0) continue;
        const got = Buffer.from(bytes.buffer, (sector - lba) * 512, 512);
        if (!got.equals(model.subarray(sector * 512, sector * 512 + 512))) tally.mismatches++;
      }
    }
    // The caller owns the memory again: a later read of it would now see rubbish.
    if (command.operation === WRITE) (command.memory as Memory).bytes.fill(0xa5);
    start(command);
  };
  for (let index = 0; index < depth; index++) {
    const command = new Command();
    command.memory = memory(most * 512);
    command.done = done;
    start(command);
  }
  world.run(() => tally.commands === commands);
  return tally;
}

describe("over a sound network", () => {
  for (const mtu of [1500, 9000]) {
    test(`MTU ${mtu}: reads see writes, requests larger than a frame end once`, () => {
      const world = build({ seed: 1, mtu });
      expect(world.device.sectors).toBe(4096);
      expect(world.device.sectorsPerFrame).toBe(mtu === 1500 ? 2 : 17);
      const tally = exercise(world, 1, 1000, 16, 64);
      expect(tally).toEqual({ commands: 1000, failed: 0, mismatches: 0 });
      expect(world.device.counters.retransmits).toBe(0);
      expect(world.device.outstanding).toBe(0);
      expect(world.initiator.close()).toBe(true);
    });
  }

  test("P12: never more outstanding than the buffer count", () => {
    const world = build({ seed: 2, bufferCount: 2 });
    expect(exercise(world, 2, 500, 16, 8)).toEqual({ commands: 500, failed: 0, mismatches: 0 });
    const [port] = world.target.ports;
    expect(port?.counters.overBufferCount).toBe(0);
  });
});

describe("over a network that loses, doubles, reorders and damages frames", () => {
  const faults = [
    "tx:drop:1%,tx:duplicate:1%,tx:reorder:1%/300us",
    "rx:drop:1%,rx:duplicate:1%,rx:reorder:1%/300us,rx:corrupt:0.1%/header",
  ].join(",");
  const seeds = [11, 12];
  for (const seed of seeds) {
    for (const strategy of ["fixed", "scan-swap", "completion"] as const) {
      test(`seed ${seed}, ${strategy}: every command ends, what is read is what was written`, () => {
        const world = build({ seed, faults, strategy, mtu: seed % 2 === 0 ? 1500 : 9000 });
        const tally = exercise(world, seed, 3000, 16, 24);
        expect(tally.mismatches).toBe(0);
        // A flipped bit may make a success look like an error of the disk: nothing tells it from one.
        expect(tally.failed).toBeLessThanOrEqual(20);
        expect(world.device.counters.timeouts).toBe(0);
        expect(world.device.counters.retransmits).toBeGreaterThan(50);
        expect(ATA_ERROR).toBe(1);
      });
    }
  }

  test("a run with a seed is the same run for ever", () => {
    const figures = [1, 2].map(() => {
      const world = build({ seed: 5, faults });
      exercise(world, 5, 1000, 16, 24);
      return { at: world.clock.now(), ...world.device.counters };
    });
    expect(figures[1]).toEqual(figures[0] as (typeof figures)[0]);
  });
});
