// The lane for write answers over a real veth pair: which ring a frame comes to, and in which order they are served.

import { expect, test } from "bun:test";

import { inNamespace, inShell } from "../sys/in_namespace.ts";
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
    laned.close();
    expect(laned.waiting?.()).toBe(false);
    sender.close();
  });
}
