// Two addresses on one link that answer for one device: one target with two ports, or two targets.

import { expect, test } from "bun:test";

import type { Core } from "../link/loop.ts";
import { createMemorySwitch } from "../link/memory.ts";
import { createVirtualClock, runVirtual } from "../link/virtual_clock.ts";
import type { Link } from "../link/link.ts";
import { Export } from "../target/export.ts";
import { createMemoryStore } from "../target/stores/memory.ts";
import { Target } from "../target/target.ts";
import { createRandom } from "../words/random.ts";
import { OK, READ } from "./command.ts";
import type { Device } from "./device.ts";
import { createInitiator } from "./initiator.ts";
import { createPool } from "./pool/buffer_pool.ts";
import { makeCommand } from "./scripted_peer.ts";

const [OURS, FIRST, SECOND] = [0x0200_0000_0001, 0x0200_0000_0002, 0x0200_0000_0003] as const;

/** Loads e7.3 with 200 reads, where exports of so many sectors answer by FIRST and SECOND. */
function run(sizes: readonly [number, number], onePair: boolean) {
  const clock = createVirtualClock();
  const { links } = createMemorySwitch({ clock, latency: 1000, macs: [OURS, FIRST, SECOND] });
  const [ours, first, second] = links as [Link, Link, Link];
  const exports = sizes.map(
    (sectors) =>
      new Export({ major: 7, minor: 3, store: createMemoryStore(sectors), bufferCount: 16 }),
  );
  const targets: Target[] = [new Target(), ...(onePair ? [] : [new Target()])];
  for (const [index, target] of targets.entries()) target.addExport(exports[index] as Export);
  targets[0]?.addPort(first, "first");
  targets[onePair ? 0 : 1]?.addPort(second, "second");
  const notices: string[] = [];
  const initiator = createInitiator({
    links: [ours],
    clock,
    random: createRandom(3),
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
    rediscover: Infinity,
  });
  initiator.onNotice = (sentence) => notices.push(sentence);
  initiator.discover();
  const cores: Core[] = [initiator, ...targets];
  const device = (): Device => initiator.device({ major: 7, minor: 3 }) as Device;
  runVirtual(cores, clock, () => device()?.identity != null && device().proving === 0, 1e9);
  runVirtual(cores, clock, () => device().pending === 0, clock.now() + 1e9);
  let ended = 0;
  for (let lba = 0; lba < 200; lba++) {
    const command = makeCommand(READ, lba, 1);
    command.done = ({ outcome }) => {
      expect(outcome).toBe(OK);
      ended++;
    };
    device().submit(command);
  }
  runVirtual(cores, clock, () => ended === 200, clock.now() + 10e9);
  const rivals = device().rivals.map(({ path }) => path.transmits);
  return { notices, ended, transmits: device().paths.map(({ transmits }) => transmits), rivals };
}

test("two targets that claim one address: both named, and only the first is used", () => {
  const { notices, ended, transmits, rivals } = run([4096, 2048], false);
  expect(notices).toEqual([
    "e7.3 is claimed by two targets: 02:00:00:00:00:02 (serial AOE-7.3, 4096 sectors) and 02:00:00:00:00:03 (serial AOE-7.3, 2048 sectors); only 02:00:00:00:00:02 is used",
  ]);
  expect(ended).toBe(200);
  // No command goes by the second.
  expect(rivals).toEqual([0]);
  expect(transmits.length).toBe(1);
  expect(transmits[0]).toBeGreaterThanOrEqual(201);
});

test("one target with two ports: said, and both are used", () => {
  const { notices, ended, transmits } = run([4096, 4096], true);
  expect(notices).toEqual([
    "e7.3 answers from two addresses on one link, 02:00:00:00:00:02 and 02:00:00:00:00:03: taken as one target, since serial, model and size agree",
  ]);
  expect(ended).toBe(200);
  expect(Math.min(...transmits)).toBeGreaterThan(50);
});
