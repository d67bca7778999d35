// What fuzzing has found, each pinned by the shortest way to it. The inputs themselves are in
// fixtures/corpus; docs/fuzzing.md lists them.

import { describe, expect, test } from "bun:test";

import { Command, CANCELLED } from "../../initiator/protocol/command.ts";
import type { Device } from "../../initiator/protocol/device.ts";
import { createInitiator, type Initiator } from "../../initiator/protocol/initiator.ts";
import { createPool } from "../../initiator/pool/buffer_pool.ts";
import type { Link } from "../../link/link.ts";
import { iterate } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock, type VirtualClock } from "../../link/virtual_clock.ts";
import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import type { Mac } from "../../wire/mac.ts";
import { createRandom } from "../../words/random.ts";
import { READ } from "../../initiator/protocol/operation.ts";

interface World {
  readonly initiator: Initiator;
  readonly device: Device;
  readonly clock: VirtualClock;
  /** A config answer from e7.`minor` at `from`, taken in one iteration. */
  announce(minor: number, from: Mac): void;
}

function world(): World {
  const clock = createVirtualClock();
  const [a, b] = createMemoryPair({ clock, mtu: 1500 });
  const initiator = createInitiator({
    links: [a],
    clock,
    random: createRandom(1),
    pool: (link: Link, frameBytes) =>
      createPool({
        link,
        frameBytes,
        strategy: "completion",
        preallocated: 4,
        cap: 4,
        verify: true,
      }),
  });
  const buffer = b.allocate(64);
  if (buffer === null) throw new Error("a memory link has room");
  const announce = (minor: number, from: Mac): void => {
    ethernet.write(buffer.view, 0, a.mac, from);
    aoe.write(buffer.view, 0, aoe.FLAG_RESPONSE, 0, 7, minor, aoe.COMMAND_CONFIG, 0);
    config.write(buffer.view, 0, 16, 1, 2, config.READ, 0);
    b.transmit(buffer, 60);
    iterate(initiator, clock.now());
  };
  announce(3, b.mac);
  const device = initiator.device({ major: 7, minor: 3 });
  if (device === undefined) throw new Error("it was announced");
  return { initiator, device, clock, announce };
}

describe("found by fuzzing", () => {
  test("a read of no sectors that is cancelled before its turn ends once", () => {
    const { initiator, device, clock } = world();
    const command = new Command();
    let ended = 0;
    command.operation = READ;
    command.done = () => {
      ended++;
    };
    device.submit(command);
    device.cancel(command);
    expect([ended, command.outcome]).toEqual([1, CANCELLED]);
    iterate(initiator, clock.now());
    expect([ended, command.outcome, device.queued]).toEqual([1, CANCELLED, 0]);
  });

  test("after close, a device that announces itself is nobody's", () => {
    const { initiator, announce } = world();
    initiator.close();
    announce(4, 0x0200_0000_0b04);
    expect(initiator.devices).toHaveLength(1);
    expect(initiator.close()).toBe(true);
  });

  test("after close, a second address of a device that is known is no cause to ask it", () => {
    const { initiator, device, announce } = world();
    initiator.close();
    announce(3, 0x0200_0000_0b05);
    expect([device.paths.length, device.pending]).toEqual([1, 0]);
    expect(initiator.close()).toBe(true);
  });
});
