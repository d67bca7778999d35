// A process that was stopped: what it could not have heard meanwhile is no time-out.

import { expect, test } from "bun:test";

import { iterate } from "../../link/loop.ts";
import { OK, TIMEOUT } from "./command.ts";
import { makeCommand, Scripted } from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const MS = 1e6;
const S = 1e9;

for (const stop of [5 * S, 60 * S]) {
  test(`stopped for ${stop / S} s with requests out and others queued: all end well after it`, () => {
    const peer = new Scripted({ bufferCount: 16, options: { timeout: 2 * S } });
    const device = peer.find();
    // What is out when it stops is lost: nobody took the answers from the socket.
    peer.script = () => {};
    const commands = Array.from({ length: 64 }, (_, index) =>
      makeCommand(index % 2 === 0 ? READ : WRITE, 2 * index, 2),
    );
    peer.initiator.begin(peer.clock.now());
    for (const command of commands) device.submit(command);
    peer.runFor(0.5 * MS);
    const { smoothed } = device.paths[0]?.rtt ?? { smoothed: -1 };
    const wake = peer.clock.now() + stop;
    while (peer.clock.now() < wake) peer.clock.wait(wake);
    peer.script = (request) => peer.answer(request);
    iterate(peer.initiator, peer.clock.now());
    expect(commands.filter(({ outcome }) => outcome === TIMEOUT)).toHaveLength(0);
    peer.run(() => commands.every(({ busy }) => !busy), 20 * S);
    expect(commands.filter(({ outcome }) => outcome !== OK)).toHaveLength(0);
    expect(device.counters.timeouts).toBe(0);
    // And the stop is no round trip.
    expect(device.paths[0]?.rtt.smoothed).toBeLessThan(smoothed + 100 * MS);
  });
}

test("an answer that was sent before the stop and is heard after it is no round trip", () => {
  const peer = new Scripted({ bufferCount: 16 });
  const device = peer.find();
  const warm = Array.from({ length: 40 }, (_, lba) => makeCommand(READ, lba, 1));
  for (const read of warm) device.submit(read);
  peer.run(() => device.pending === 0);
  const stop = 5 * S;
  peer.script = (request) => {
    if (request.lba === 9) peer.answer(request, { delay: stop });
  };
  // The deadline of the first is what tells of the stop; that of the second comes after its answer.
  peer.initiator.begin(peer.clock.now());
  device.submit(makeCommand(READ, 8, 1));
  peer.runFor(0.05 * MS);
  const read = makeCommand(READ, 9, 1);
  device.submit(read);
  peer.runFor(0.01 * MS);
  const wake = peer.clock.now() + stop - 0.01 * MS;
  while (peer.clock.now() < wake) peer.clock.wait(wake);
  iterate(peer.initiator, peer.clock.now());
  peer.run(() => !read.busy, 1 * MS);
  expect([read.outcome, read.transmits]).toEqual([OK, 1]);
  expect(device.paths[0]?.rtt.smoothed).toBeLessThan(100 * MS);
});

test("a silent target still ends requests by the time in which it could have been heard", () => {
  const peer = new Scripted({ options: { timeout: 2 * S } });
  const device = peer.find();
  peer.script = () => {};
  peer.mac = 0x0200_0000_0999;
  const read = makeCommand(READ, 0, 2);
  peer.initiator.begin(peer.clock.now());
  device.submit(read);
  peer.runFor(500 * MS);
  const wake = peer.clock.now() + 60 * S;
  while (peer.clock.now() < wake) peer.clock.wait(wake);
  peer.run(() => !read.busy, 20 * S);
  expect(read.outcome).toBe(TIMEOUT);
  expect(peer.clock.now() - wake).toBeWithin(0.4 * S, 2.1 * S);
});
