// A path that loses frames now and then: what is sent again when, and what the loss costs the others.

import { describe, expect, test } from "bun:test";

import { type Command, OK } from "./command.ts";
import type { Device } from "./device.ts";
import {
  makeCommand,
  Scripted,
  type ScriptedOptions,
  type Seen,
} from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;
/** Sectors of the device: more than a load writes within a packet life, so that none is held back. */
const PLACES = 8192;
const WIRE: ScriptedOptions = { latency: 10 * US, bufferCount: 64, sectors: PLACES };

/** Keeps `depth` commands of `operation` moving for `time` ns, each in a place of its own; how many ended well. */
function load(
  peer: Scripted,
  device: Device,
  operation: number,
  depth: number,
  time: number,
): number {
  const end = peer.clock.now() + time;
  let ended = 0;
  let place = 0;
  const next = (command: Command): void => {
    command.lba = place++ % PLACES;
    device.submit(command);
  };
  for (let index = 0; index < depth; index++) {
    const command = makeCommand(operation, 0, 1);
    command.done = (done) => {
      if (peer.clock.now() >= end) return;
      expect(done.outcome).toBe(OK);
      ended++;
      next(done);
    };
    next(command);
  }
  peer.run(() => false, time);
  return ended;
}

/** Answers after 50 µs, but for each frame of which `isLost`. */
function lossy(isLost: (request: Seen, number: number) => boolean): {
  peer: Scripted;
  device: Device;
} {
  const peer = new Scripted(WIRE);
  const device = peer.find();
  let number = 0;
  peer.script = (request) => {
    if (!isLost(request, number++)) peer.answer(request, { delay: 50 * US });
  };
  return { peer, device };
}

describe("one frame in ten gets lost, at depth 16", () => {
  for (const operation of [READ, WRITE]) {
    test(`${operation === READ ? "reads keep more than half" : "writes a third"} of their rate`, () => {
      const clean = lossy(() => false);
      const rate = load(clean.peer, clean.device, operation, 16, 20 * MS);
      expect(clean.device.counters.retransmits).toBe(0);
      const poor = lossy((_, number) => number % 10 === 9);
      const kept = load(poor.peer, poor.device, operation, 16, 20 * MS);
      expect(poor.device.counters.retransmits).toBeGreaterThan(kept / 20);
      expect(poor.device.counters.heldBack).toBe(0);
      // A write waits for its RTO, of 1 ms at least: more than ten round trips here.
      expect(kept / rate).toBeGreaterThan(operation === READ ? 0.6 : 0.3);
    });
  }
});

test("a read that a window of others has overtaken goes again long before its RTO, a write does not", () => {
  for (const operation of [READ, WRITE]) {
    let lost = -1;
    const again: number[] = [];
    const { peer, device } = lossy(({ lba, at, opcode }, number) => {
      if (number === 200) lost = lba;
      if (lba === lost && opcode !== 0) again.push(at);
      return number === 200;
    });
    load(peer, device, operation, 16, 30 * MS);
    const [first = 0, second = Infinity] = again;
    if (operation === READ) expect(second - first).toBeWithin(100 * US, 400 * US);
    else expect(second - first).toBeGreaterThanOrEqual(1 * MS);
    expect(device.counters.retransmits).toBe(1);
  }
});

test("a target that pauses has lost nothing, and a slow one no more", () => {
  const peer = new Scripted(WIRE);
  const device = peer.find();
  let number = 0;
  // Each hundredth answer, and all behind it, come 700 µs later; a disk that answers one after another.
  let free = 0;
  peer.script = (request) => {
    free = Math.max(request.at, free) + (++number % 100 === 0 ? 700 * US : 5 * US);
    peer.answer(request, { delay: free - request.at });
  };
  load(peer, device, READ, 16, 50 * MS);
  expect(device.counters.retransmits).toBe(0);
});

test("a queue that builds up at a slow disk is no more sent again than by Linux's law", () => {
  for (const operation of [READ, WRITE]) {
    const [steady, linux] = (["steady", "slow-start"] as const).map((windowLaw) => {
      const peer = new Scripted({ ...WIRE, options: { windowLaw } });
      const device = peer.find();
      let free = 0;
      peer.script = (request) => {
        free = Math.max(request.at, free) + 400 * US;
        peer.answer(request, { delay: free - request.at });
      };
      load(peer, device, operation, 32, 0.2 * S);
      return device.counters.retransmits;
    }) as [number, number];
    expect(steady).toBeLessThanOrEqual(linux);
  }
});

test("three of several that were sent at once get lost: the path goes on, beside another", () => {
  const peer = new Scripted({ ...WIRE, links: 2 });
  const device = peer.find();
  let number = 0;
  peer.script = (request) => {
    // Of the first path, three in a row of each hundred.
    if (request.port === 0 && number++ % 100 < 3) return;
    peer.answer(request, { delay: 50 * US });
  };
  const commands = Array.from({ length: 32 }, (_, index) => makeCommand(WRITE, 8 * index, 1));
  let left = true;
  let ended = 0;
  for (const command of commands) {
    command.done = (done) => {
      expect(done.outcome).toBe(OK);
      left &&= device.paths.every(({ alive }) => alive);
      command.lba = (command.lba + 1) % 1000;
      if (++ended < 2000) device.submit(done);
    };
    device.submit(command);
  }
  peer.run(() => device.pending === 0, 20 * S);
  expect([ended, left]).toEqual([2031, true]);
});

test("a write that is cut after its packet life leaves nothing held back for good", () => {
  const rtt = { first: 1.5 * S, floor: 1.5 * S, ceiling: 2 * S };
  const peer = new Scripted({ options: { rtt, timeout: 20 * S } });
  const device = peer.find();
  peer.script = () => {};
  const first = makeCommand(WRITE, 12, 2);
  device.submit(first);
  // Sent again, so that what overlaps it waits.
  peer.runFor(1.6 * S);
  const second = makeCommand(WRITE, 13, 1);
  peer.initiator.begin(peer.clock.now());
  device.submit(second);
  peer.runFor(0.4 * S);
  expect(device.counters.heldBack).toBe(1);
  peer.fabric.setMtu(600);
  peer.script = (request) => peer.answer(request);
  peer.run(() => !second.busy, 30 * S);
  expect([first.outcome, second.busy, second.outcome]).toEqual([OK, false, OK]);
});
