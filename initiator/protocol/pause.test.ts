// A target or a host that pauses: what it has not answered yet is not lost, and not sent again.

import { describe, expect, test } from "bun:test";

import { OK } from "./command.ts";
import type { Device } from "./device.ts";
import { makeCommand, Scripted, type Seen } from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;

/** A device whose round trip is known: 20 µs. */
function fast(): { peer: Scripted; device: Device } {
  const peer = new Scripted({ latency: 10 * US });
  const device = peer.find();
  for (let lba = 0; lba < 50; lba++) {
    const command = makeCommand(READ, lba, 1);
    device.submit(command);
    peer.run(() => !command.busy);
  }
  peer.seen.length = 0;
  return { peer, device };
}

describe.each([
  ["reads", READ],
  ["writes", WRITE],
])("%s", (_, operation) => {
  test.each([2, 4, 19])("a pause of %i ms sends nothing again, and one query a while", (pause) => {
    const { peer, device } = fast();
    const late: Seen[] = [];
    peer.script = (request) => {
      late.push(request);
    };
    const configs: Seen[] = [];
    peer.answerConfig = (request) => {
      configs.push(request);
    };
    const commands = Array.from({ length: 8 }, (__, at) => makeCommand(operation, 8 * at, 1));
    for (const command of commands) device.submit(command);
    peer.runFor(pause * MS);
    expect(late).toHaveLength(8);
    for (const request of late) peer.answer(request);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
    expect(device.counters.retransmits).toBe(0);
    expect(configs.length).toBeWithin(1, pause + 1);
  });

  test("one that is lost alone goes again when a later query is answered", () => {
    const { peer, device } = fast();
    let lost = 1;
    peer.script = (request) => {
      if (lost-- <= 0) peer.answer(request);
    };
    const began = peer.clock.now();
    const command = makeCommand(operation, 0, 1);
    device.submit(command);
    peer.run(() => !command.busy);
    expect([command.outcome, device.counters.retransmits]).toEqual([OK, 1]);
    expect(peer.clock.now() - began).toBeLessThan(1.2 * MS);
  });

  test("a silence of more than 20 ms is a loss", () => {
    const { peer, device } = fast();
    peer.alive = false;
    device.submit(makeCommand(operation, 0, 1));
    peer.runFor(19 * MS);
    expect(device.counters.retransmits).toBe(0);
    peer.runFor(2 * MS);
    expect(device.counters.retransmits).toBe(1);
    // What went a second time has waited already: its own time-out is enough.
    peer.runFor(5 * MS);
    expect(device.counters.retransmits).toBeGreaterThan(1);
  });

  test("one that a later frame overtook goes again although no query is answered", () => {
    const { peer, device } = fast();
    let lost = 1;
    peer.script = (request) => {
      if (lost-- <= 0) peer.answer(request);
    };
    peer.answerConfig = () => {};
    const began = peer.clock.now();
    const commands = [0, 8].map((lba) => makeCommand(operation, lba, 1));
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(device.counters.retransmits).toBe(1);
    expect(peer.clock.now() - began).toBeLessThan(1.2 * MS);
  });

  test("an earlier frame's late answer says nothing of a later one", () => {
    const { peer, device } = fast();
    const late: Seen[] = [];
    peer.script = (request) => {
      late.push(request);
    };
    peer.answerConfig = () => {};
    const commands = [0, 8].map((lba) => makeCommand(operation, lba, 1));
    for (const command of commands) device.submit(command);
    peer.runFor(1.5 * MS);
    const [first, second] = late as [Seen, Seen];
    peer.answer(first);
    peer.runFor(8 * MS);
    peer.answer(second);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(late).toHaveLength(2);
    expect(device.counters.retransmits).toBe(0);
  });
});
