// Two targets with one serial number: a pair for fail-over, of which one is used at a time.

import { expect, test } from "bun:test";

import type { Link } from "../../link/link.ts";
import { createMemorySwitch, type MemorySwitch } from "../../link/memory.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "../../link/virtual_clock.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { OK } from "./command.ts";
import type { Device } from "./device.ts";
import { createInitiator } from "./initiator.ts";
import { createPool } from "../pool/buffer_pool.ts";
import { makeCommand } from "../../testing/doubles/scripted_peer.ts";
import { WRITE } from "./operation.ts";

const MACS = [0x0200_0000_0001, 0x0200_0000_0002, 0x0200_0000_0003] as const;
const [ONE, TWO] = ["02:00:00:00:00:02", "02:00:00:00:00:03"] as const;
const MS = 1e6;
const S = 1e9;

interface Pair {
  readonly clock: VirtualClock;
  readonly network: MemorySwitch;
  readonly device: Device;
  readonly owners: readonly Export[];
  readonly notices: string[];
  run(ns: number): void;
}

function pair(instances: readonly [number, number]): Pair {
  const clock = createVirtualClock();
  const network = createMemorySwitch({ clock, latency: 200e3, macs: MACS });
  const [ours, ...theirs] = network.links as [Link, Link, Link];
  const targets = theirs.map((link, index) => {
    const target = new Target();
    const instance = instances[index] as number;
    const store = createMemoryStore(4096);
    const owner = new Export({ major: 7, minor: 3, store, serial: "pair", instance });
    target.addExport(owner);
    target.addPort(link, `${index}`);
    return { target, owner };
  });
  const initiator = createInitiator({
    links: [ours],
    clock,
    random: createRandom(3),
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
    rediscover: 500 * MS,
  });
  const notices: string[] = [];
  initiator.onNotice = (sentence) => notices.push(sentence);
  const cores = [initiator, ...targets.map(({ target }) => target)];
  const run = (ns: number): void => {
    runVirtual(cores, clock, () => false, clock.now() + ns);
  };
  initiator.discover();
  run(100 * MS);
  const device = initiator.device({ major: 7, minor: 3 }) as Device;
  return { clock, network, device, owners: targets.map(({ owner }) => owner), notices, run };
}

/** Writes without end, eight at a time; what each target wrote since the last call. */
function write({ device, owners, run }: Pair): (ns: number) => number[] {
  for (let index = 0; index < 8; index++) {
    const command = makeCommand(WRITE, 8 * index, 2);
    command.done = ({ outcome }) => {
      expect(outcome).toBe(OK);
      device.submit(command);
    };
    device.submit(command);
  }
  let before = [0, 0];
  return (ns) => {
    run(ns);
    const now = owners.map(({ counters }) => counters.writes);
    const since = now.map((count, index) => count - (before[index] as number));
    before = now;
    return since;
  };
}

test("one is used; the other one takes over when it falls silent, and keeps the device when it is back", () => {
  const both = pair([11, 22]);
  expect(both.device.paths.length).toBe(2);
  const since = write(both);
  const [first = 0, second = 0] = since(200 * MS);
  expect(first).toBeGreaterThan(500);
  expect(second).toBe(0);

  both.network.down(1);
  since(3 * S);
  const [gone, over = 0] = since(200 * MS);
  expect(gone).toBe(0);
  expect(over).toBeGreaterThan(500);

  both.network.up(1);
  since(2 * S);
  expect((since(200 * MS) as [number, number])[0]).toBe(0);

  both.network.down(2);
  since(3 * S);
  const [back = 0] = since(200 * MS);
  expect(back).toBeGreaterThan(500);
  expect(both.notices).toEqual([
    `e7.3 is served by two targets with one serial number, ${ONE} and ${TWO}: ${TWO} is used when ${ONE} does not answer`,
    `e7.3 is served by ${TWO} from now on, since ${ONE} does not answer`,
  ]);
});

test("two ports of one run of a target are no pair: both are used", () => {
  const both = pair([11, 11]);
  const since = write(both);
  const [first = 0, second = 0] = since(200 * MS);
  expect(Math.min(first, second)).toBeGreaterThan(500);
});
