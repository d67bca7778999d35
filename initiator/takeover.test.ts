// A device that answers from another address than before: what finds a path passes what waits for one.

import { expect, test } from "bun:test";

import * as aoe from "../wire/aoe.ts";
import * as ata from "../wire/ata.ts";
import { OK, READ } from "./command.ts";
import { makeCommand, PEER_MAC, Scripted, type Seen } from "./scripted_peer.ts";

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
