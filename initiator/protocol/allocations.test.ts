// The initiator allocates nothing per command in steady state: not per frame, per answer, per split or
// per retransmit. The counter proves itself on code that allocates on purpose (testing/doubles/allocations.ts).

import { describe, expect, test } from "bun:test";

import { addressedMemory } from "../../link/addressed_memory.ts";
import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import type { FrameView, Link, TxBuffer } from "../../link/link.ts";
import { iterate } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { createRandom } from "../../words/random.ts";
import { Command, OK } from "./command.ts";
import type { Device } from "./device.ts";
import { createInitiator, type Initiator } from "./initiator.ts";
import { createPool, STRATEGIES, type StrategyName } from "../pool/buffer_pool.ts";
import { READ, WRITE } from "./operation.ts";

/**
 * Answers every ATA request at once from one buffer, but each `skip`-th not at all, and allocates
 * nothing. It answers config queries until the first of them: what a device says of itself is kept.
 */
class Echo {
  readonly link: Link;
  private readonly buffer: TxBuffer;
  private readonly skip: number;
  private count = 0;
  private found = false;

  constructor(link: Link, skip: number) {
    this.link = link;
    this.skip = skip;
    this.buffer = link.allocate(14 + link.mtu) as TxBuffer;
  }

  readonly visit = (frame: FrameView): void => {
    const { view, base } = frame;
    if (this.skip > 0 && ++this.count % this.skip === 0) return;
    const out = this.buffer.view;
    ethernet.write(out, 0, ethernet.source(view, base), this.link.mac);
    const command = aoe.command(view, base);
    aoe.write(out, 0, aoe.FLAG_RESPONSE, 0, 7, 3, command, aoe.tag(view, base));
    let length = 60;
    if (command === aoe.COMMAND_CONFIG) {
      if (this.found) return;
      config.write(out, 0, 64, 1, 2, 0, 0);
    } else {
      this.found = true;
      const opcode = ata.command(view, base);
      const count = ata.count(view, base);
      ata.write(out, 0, 0, 0, count, ata.STATUS_DRDY, ata.lba48(view, base));
      if (opcode === ata.READ_EXT) length = Math.max(60, ata.LENGTH + count * 512);
    }
    this.link.transmit(this.buffer, length);
  };
}

interface Bench {
  readonly initiator: Initiator;
  readonly device: Device;
  /** One command from submit to done. */
  once(): void;
}

interface Shape {
  readonly strategy: StrategyName;
  readonly operation: number;
  readonly sectors: number;
  readonly reclaim: string;
  /** Every how many-th request is lost; 0: none. */
  readonly skip: number;
}

function build({ strategy, operation, sectors, reclaim, skip }: Shape): Bench {
  const clock = createVirtualClock();
  const [ours, theirs] = createMemoryPair({ clock });
  const echo = new Echo(theirs, skip);
  const initiator = createInitiator({
    links: [createReclaim(ours, parseReclaim(reclaim, "--reclaim"), clock)],
    random: createRandom(1),
    clock,
    identify: false,
    rediscover: Infinity,
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy, preallocated: 16, cap: 64 }),
  });
  let now = 0;
  const step = (): void => {
    iterate(initiator, now);
    theirs.receive(echo.visit, 64);
    iterate(initiator, now);
  };
  while (initiator.devices.length === 0) {
    initiator.discover();
    step();
  }
  const device = initiator.devices[0] as Device;
  const command = new Command();
  command.memory = addressedMemory(sectors * 512);
  command.operation = operation;
  command.sectors = sectors;
  let ended = 0;
  command.done = (which) => {
    if (which.outcome === OK) ended++;
  };
  const once = (): void => {
    const before = ended;
    command.lba = (command.lba + 8) % 100_000;
    device.submit(command);
    while (ended === before) {
      step();
      // Past the RTO floor where something was lost.
      if (ended === before) now += 5e6;
      clock.wait(now);
    }
    now += 1e3;
    clock.wait(now);
  };
  return { initiator, device, once };
}

const NONE = 0.02;

describe("no allocation per command", () => {
  for (const strategy of STRATEGIES) {
    // It allocates for each transmit: that is what it is there to show.
    if (strategy === "per-send") continue;
    for (const operation of [READ, WRITE]) {
      test(`${strategy}, ${operation === READ ? "read" : "write"}, late release`, () => {
        const bench = build({
          strategy,
          operation,
          sectors: 2,
          reclaim: "coalesce:8/1ms",
          skip: 0,
        });
        expect(allocationsPerCall(bench.once)).toBeLessThan(NONE);
      });
    }
  }

  test("a request of five frames", () => {
    const bench = build({
      strategy: "completion",
      operation: READ,
      sectors: 10,
      reclaim: "eager",
      skip: 0,
    });
    expect(allocationsPerCall(bench.once, { calls: 500, warmUp: 10_000 })).toBeLessThan(NONE);
  });

  test("retransmits, expired windows and bars of writes", () => {
    const bench = build({
      strategy: "completion",
      operation: WRITE,
      sectors: 2,
      reclaim: "eager",
      skip: 10,
    });
    expect(allocationsPerCall(bench.once)).toBeLessThan(NONE);
    expect(bench.device.counters.retransmits).toBeGreaterThan(1000);
  });
});
