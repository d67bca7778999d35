// A device that answers from another address than before: what finds a path passes what waits for one.

import { expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { OK, TIMEOUT } from "./command.ts";
import { controlCommand } from "./control_command.ts";
import { makeCommand, PEER_MAC, Scripted, type Seen } from "../../testing/doubles/scripted_peer.ts";
import { READ } from "./operation.ts";

const MS = 1e6;
const S = 1e9;
const STANDBY = PEER_MAC + 0x50;

function isIdentify({ aoeCommand, opcode }: Seen): boolean {
  return aoeCommand === aoe.COMMAND_ATA && opcode === ata.IDENTIFY;
}

for (const { strategy, queued } of [
  { strategy: "completion", queued: 256 },
  { strategy: "fixed", queued: 256 },
  { strategy: "fixed", queued: 16 },
] as const) {
  test(`a takeover with ${queued} reads waiting, ${strategy} buffers: asked at once, all end well`, () => {
    const peer = new Scripted({ bufferCount: 16, strategy, preallocated: 16 });
    const device = peer.find();
    peer.mac = STANDBY;
    const reads = Array.from({ length: queued }, (_, lba) => makeCommand(READ, lba, 2));
    for (const read of reads) device.submit(read);
    peer.runFor(2 * S);
    const announced = peer.clock.now();
    peer.announce();
    peer.run(() => reads.every(({ busy }) => !busy), 20 * S);
    const [asked] = peer.seen.filter(isIdentify);
    expect((asked?.at ?? Infinity) - announced).toBeLessThan(1 * MS);
    expect(reads.filter(({ outcome }) => outcome !== OK)).toHaveLength(0);
    // One frame of the dead address may wait for its last time-out.
    expect(Math.max(...reads.map(({ doneAt }) => doneAt)) - announced).toBeLessThan(2.5 * S);
  });
}

for (const [name, load] of [
  ["256 reads waiting", 256],
  ["one read after a pause", 1],
] as const) {
  test(`an address that changed without a word, ${name}: the device is found by broadcast`, () => {
    const peer = new Scripted({ bufferCount: 16, options: { timeout: 5 * S } });
    const device = peer.find();
    if (load === 1) peer.runFor(10 * S);
    const notices: string[] = [];
    peer.initiator.onNotice = (sentence) => notices.push(sentence);
    peer.mac = STANDBY;
    const reads = Array.from({ length: load }, (_, lba) => makeCommand(READ, lba, 2));
    const began = peer.clock.now();
    peer.initiator.begin(began);
    for (const read of reads) device.submit(read);
    peer.run(() => reads.every(({ busy }) => !busy), 20 * S);
    expect(reads.filter(({ outcome }) => outcome !== OK)).toHaveLength(0);
    expect(peer.clock.now() - began).toBeLessThan(2 * S);
    expect(device.paths.map(({ target, alive }) => [target, alive])).toEqual([
      [PEER_MAC, false],
      [STANDBY, true],
    ]);
    expect(notices).toHaveLength(1);
  });
}

test("a device that is gone is asked for by broadcast four times a second at most, and only while somebody waits", () => {
  const peer = new Scripted({ bufferCount: 16, options: { timeout: 5 * S } });
  const device = peer.find();
  const asked: number[] = [];
  peer.mac = STANDBY;
  peer.answerConfig = ({ at }) => asked.push(at);
  const read = makeCommand(READ, 0, 2);
  device.submit(read);
  peer.run(() => !read.busy, 20 * S);
  expect(read.outcome).toBe(TIMEOUT);
  peer.runFor(60 * S);

  expect(asked.length).toBeWithin(4, 21);
  expect(Math.max(...asked)).toBeLessThan(10 * S);
});

test("requests that end before their RTO tell of a dead address all the same", () => {
  const peer = new Scripted({ bufferCount: 16 });
  const device = peer.find();
  peer.mac = STANDBY;
  const outcomes: number[] = [];
  for (let count = 0; count < 8; count++) {
    const question = controlCommand(aoe.COMMAND_CONFIG, config.LENGTH, (view) =>
      config.write(view, 0, 0, 0, 0, config.READ, 0),
    );
    question.timeout = 100 * MS;
    device.submit(question);
    peer.run(() => !question.busy);
    outcomes.push(question.outcome);
  }
  expect(outcomes.slice(0, 3)).toEqual([TIMEOUT, TIMEOUT, TIMEOUT]);
  expect(outcomes.slice(4)).toEqual([OK, OK, OK, OK]);
});
