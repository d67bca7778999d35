// The lane for write answers over a real veth pair: which ring a frame comes to, and in which order they are served.

import { expect, test } from "bun:test";

import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import * as aoe from "../wire/aoe.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { FrameView } from "./link.ts";
import { openPacketLink } from "./packet.ts";
import { openWithLane } from "./write_lane.ts";

if (inNamespace(import.meta.path)) {
  test("a frame waits in either ring, and the lane's comes first", () => {
    inShell("ip link set va up; ip link set vb up");
    const sender = openPacketLink({ interface: "va" });
    const laned = openWithLane(openPacketLink, { interface: "vb" });
    const buffer = sender.allocate(ethernet.SHORTEST);
    if (buffer === null) throw new Error("no buffer");
    ethernet.write(buffer.view, 0, laned.mac, sender.mac);
    const tagsSeen: number[] = [];
    const visit = ({ view, base }: FrameView) => tagsSeen.push(aoe.tag(view, base));
    expect(laned.waiting?.()).toBe(false);
    for (const tags of [[1], [0x4000_0001], [2, 0x4000_0002]]) {
      for (const tag of tags) {
        aoe.write(buffer.view, 0, 0, 0, 7, 3, aoe.COMMAND_ATA, tag);
        sender.transmit(buffer, ethernet.SHORTEST);
        sender.flush();
      }
      for (const _ of tags) {
        expect(laned.waiting?.()).toBe(true);
        expect(laned.receive(visit, 1)).toBe(1);
      }
      expect(laned.waiting?.()).toBe(false);
    }
    expect(tagsSeen).toEqual([1, 0x4000_0001, 0x4000_0002, 2]);
    // Both rings share the limit: what the lane leaves of it is the other's, and no more.
    for (let tag = 10; tag < 15; tag++) {
      for (const bit of [0, 0x4000_0000]) {
        aoe.write(buffer.view, 0, 0, 0, 7, 3, aoe.COMMAND_ATA, tag + bit);
        sender.transmit(buffer, ethernet.SHORTEST);
        sender.flush();
      }
    }
    tagsSeen.length = 0;
    const shares = [3, 4, 2, 8].map((limit) => {
      const writes = tagsSeen.length;
      const visited = laned.receive(visit, limit);
      expect(tagsSeen.length - writes).toBe(visited);
      return [visited, tagsSeen.slice(writes).filter((tag) => tag >= 0x4000_0000).length];
    });
    expect(shares).toEqual([
      [3, 3],
      [4, 2],
      [2, 0],
      [1, 0],
    ]);
    expect(tagsSeen.filter((tag) => tag < 0x4000_0000)).toEqual([10, 11, 12, 13, 14]);
    // Of 14 frames that came, seven are the lane's; nothing counts twice.
    expect(laned.counters).toMatchObject({
      received: 14,
      receiveDrops: 0,
      lane: { received: 7, receiveDrops: 0 },
    });
    laned.close();
    expect(laned.waiting?.()).toBe(false);
    sender.close();
  });

  test("what either ring had no room for is counted, the lane's share apart", () => {
    const sender = openPacketLink({ interface: "va" });
    const laned = openWithLane(openPacketLink, { interface: "vb", ringBytes: 262_144 }, 524_288);
    const buffer = sender.allocate(ethernet.SHORTEST);
    if (buffer === null) throw new Error("no buffer");
    ethernet.write(buffer.view, 0, laned.mac, sender.mac);
    const COUNT = 100;
    for (const bit of [0, 0x4000_0000]) {
      for (let tag = 0; tag < COUNT; tag++) {
        aoe.write(buffer.view, 0, 0, 0, 7, 3, aoe.COMMAND_ATA, bit + tag);
        sender.transmit(buffer, ethernet.SHORTEST);
      }
      sender.flush();
    }
    while (laned.receive(() => {}, 64) > 0);
    // Seven slots of the usual size in each block of 64 KiB.
    const [ring, lane] = [7 * 4, 7 * 8];
    expect(laned.counters).toMatchObject({
      received: ring + lane,
      receiveDrops: 2 * COUNT - ring - lane,
      lane: { received: lane, receiveDrops: COUNT - lane },
    });
    laned.close();
    sender.close();
  });
}
