// Large frames: when they are thought lost, in which direction, and how they are earned back.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { OK } from "./command.ts";
import type { Device } from "./device.ts";
import { makeCommand, Scripted, type Seen } from "../../testing/doubles/scripted_peer.ts";
import { deviceStats, type PathStats } from "../session/stats.ts";
import { READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;

function jumbo(): { peer: Scripted; device: Device } {
  const peer = new Scripted({ mtu: 9000, sectorCount: 17, latency: 20 * US });
  return { peer, device: peer.find() };
}

/** Moves `count` times 17 sectors; how long it took, ns. All must end well. */
function move(peer: Scripted, device: Device, operation: number, count: number): number {
  const commands = Array.from({ length: count }, (_, index) =>
    makeCommand(operation, 17 * index, 17),
  );
  const began = peer.clock.now();
  for (const command of commands) device.submit(command);
  peer.run(() => commands.every(({ busy }) => !busy), 100 * S);
  expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
  return peer.clock.now() - began;
}

function isWrite({ opcode }: Seen): boolean {
  return opcode === ata.WRITE_EXT;
}

function statsOf(peer: Scripted, device: Device): PathStats {
  return deviceStats(device, peer.clock.now()).paths[0] as PathStats;
}

test("a target that was away and announces itself is asked for large frames as before", () => {
  for (const away of [10 * MS, 300 * MS, 3 * S]) {
    const { peer, device } = jumbo();
    move(peer, device, READ, 20);
    peer.alive = false;
    const reads = Array.from({ length: 40 }, (_, index) => makeCommand(READ, 17 * index, 17));
    for (const read of reads) device.submit(read);
    peer.runFor(away);
    peer.alive = true;
    peer.announce();
    peer.run(() => reads.every(({ busy }) => !busy), 20 * S);
    expect(reads.every(({ outcome }) => outcome === OK)).toBe(true);
    expect([away, device.sectorsPerFrame, device.counters.fallBacks]).toEqual([away, 17, 0]);
  }
});

describe("large frames get lost for a while", () => {
  for (const operation of [READ, WRITE]) {
    test(`${operation === READ ? "answers" : "requests"}: small ones meanwhile, large ones soon after, shown in stats`, () => {
      const { peer, device } = jumbo();
      expect(statsOf(peer, device)).toMatchObject({
        fell_back: false,
        large_reads_lost_for_ns: null,
        large_writes_lost_for_ns: null,
      });
      const lossy = (request: Seen): boolean =>
        operation === READ ? !isWrite(request) && request.count > 2 : request.bytes.length > 1500;
      peer.script = (request) => {
        if (!lossy(request)) peer.answer(request);
      };
      // A padded IDENTIFY is a large request, and does not come to the script.
      const answer = peer.answer.bind(peer);
      let broken = true;
      peer.answer = (request, twist) => {
        if (!broken || !lossy(request)) answer(request, twist);
      };
      move(peer, device, operation, 3);
      const [path] = device.paths;
      const [fallen, other] =
        operation === READ ? [path?.reads, path?.writes] : [path?.writes, path?.reads];
      expect([fallen?.sectors, other?.sectors]).toEqual([2, 17]);
      const asked = peer.seen.filter(({ aoeCommand }) => aoeCommand === aoe.COMMAND_CONFIG);
      expect(device.counters.queries).toBeGreaterThan(0);
      expect(device.counters.queries).toBe(asked.length);
      const fellAt = fallen?.fellBackAt as number;
      const before = { losses: path?.losses, window: path?.window.size, shift: path?.rtt.shift };
      const { timeouts } = device.counters;
      peer.runFor(10 * S);
      const { large_reads_lost_for_ns: reads, large_writes_lost_for_ns: writes } = statsOf(
        peer,
        device,
      );
      const since = peer.clock.now() - fellAt;
      expect([reads, writes]).toEqual(operation === READ ? [since, null] : [null, since]);
      // Probes were sent and lost, ever more seldom, and the path knows nothing of it.
      const probes = peer.seen.filter((request) => lossy(request) && request.at > fellAt);
      expect(probes.length).toBeWithin(4, 8);
      expect({
        losses: path?.losses,
        window: path?.window.size,
        shift: path?.rtt.shift,
      }).toEqual(before);
      expect(device.counters.timeouts).toBe(timeouts);
      // Healed: the next probe earns them back.
      broken = false;
      peer.script = (request) => peer.answer(request);
      peer.runFor(10 * S);
      expect(device.sectorsPerFrame).toBe(17);
      expect(statsOf(peer, device)).toMatchObject({
        fell_back: false,
        large_reads_lost_for_ns: null,
        large_writes_lost_for_ns: null,
      });
      peer.seen.length = 0;
      move(peer, device, operation, 3);
      // After a silence it is asked first which disk it is.
      const sent = peer.seen.filter(
        ({ aoeCommand, opcode }) => aoeCommand === aoe.COMMAND_ATA && opcode !== ata.IDENTIFY,
      );
      expect(sent).toHaveLength(3);
    });
  }

  test("large writes get lost, large reads don't: only writes become small, under a load of both", () => {
    const { peer, device } = jumbo();
    const answer = peer.answer.bind(peer);
    peer.answer = (request, twist) => {
      if (request.bytes.length <= 1500) answer(request, twist);
    };
    let largeWrites = 0;
    peer.script = (request) => {
      if (isWrite(request) && request.count > 2) largeWrites++;
      peer.answer(request, { delay: 100 * US });
    };
    let ended = 0;
    for (let index = 0; index < 8; index++) {
      const command = makeCommand(index % 2 === 0 ? READ : WRITE, 17 * index, 17);
      command.done = (again) => {
        expect(again.outcome).toBe(OK);
        if (++ended < 4000) device.submit(again);
      };
      device.submit(command);
    }
    peer.run(() => device.pending === 0, 100 * S);
    expect(ended).toBe(4007);
    expect(device.paths[0]?.reads.sectors).toBe(17);
    expect(device.paths[0]?.writes.sectors).toBe(2);
    expect(device.counters.fallBacks).toBe(1);
    expect(largeWrites).toBeLessThan(60);
  });

  test("a path that carries large frames by fits and starts is probed ever more seldom", () => {
    const { peer, device } = jumbo();
    // Probes get through, what follows does not.
    peer.script = (request) => {
      if (request.lba === 0 || request.count <= 2) peer.answer(request, { delay: 20 * MS });
    };
    let ended = 0;
    const command = makeCommand(READ, 17, 17);
    command.done = (again) => {
      ended++;
      if (peer.clock.now() < 60 * S) device.submit(again);
    };
    device.submit(command);
    peer.run(() => device.pending === 0 && peer.clock.now() >= 60 * S, 100 * S);
    expect(ended).toBeGreaterThan(1000);
    expect(device.counters.fallBacks).toBeWithin(4, 10);
  });
});

test("where the MTU leaves nothing larger, nothing is said to be lost", () => {
  const { peer, device } = jumbo();
  peer.script = (request) => {
    if (request.count <= 2) peer.answer(request);
  };
  move(peer, device, READ, 1);
  expect(statsOf(peer, device).fell_back).toBe(true);
  // The target's own MTU is smaller now, and it says so.
  peer.sectorCount = 2;
  peer.announce();
  peer.runFor(1 * MS);
  expect(statsOf(peer, device)).toMatchObject({ fell_back: false, large_reads_lost_for_ns: null });
  // Another refusal while there is nothing larger is none.
  device.paths[0]?.reads.fall(2, peer.clock.now());
  expect(statsOf(peer, device).fell_back).toBe(false);
});

test("a late answer that says of a large write that it failed earns no large frames back, a good one does", () => {
  for (const [status, sectors] of [
    [ata.STATUS_DRDY | ata.STATUS_ERR, 2],
    [ata.STATUS_DRDY, 17],
  ] as const) {
    const { peer, device } = jumbo();
    move(peer, device, WRITE, 1);
    const write = peer.seen.find(isWrite) as Seen;
    device.paths[0]?.writes.fall(2, peer.clock.now());
    peer.answer(write, { status });
    peer.runFor(1 * MS);
    expect(device.counters.stale).toBe(1);
    expect([status, device.paths[0]?.writes.sectors]).toEqual([status, sectors]);
  }
});
