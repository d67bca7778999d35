// A receive ring: its slots stand where the kernel puts frames, take them whole, and are as many as asked for.

import { expect, test } from "bun:test";

import { inNamespace } from "../testing/suites/in_namespace.ts";
import { findInterface } from "./interface.ts";
import { mapMemory } from "./memory.ts";
import {
  addReceiveRing,
  CAPTURED,
  longestFrame,
  MAC,
  ringBytesOf,
  slotFor,
  STATUS,
  USER,
} from "./packet_ring.ts";
import { openPacketSocket } from "./packet_socket.ts";

const TYPE = 0x88b5;

if (inNamespace(import.meta.path)) {
  test.each([500, 1514, 9014])("frames of %d stand in its slots one after the other", (length) => {
    const socket = openPacketSocket();
    const ring = addReceiveRing(socket, ringBytesOf(100, slotFor(length)), slotFor(length));
    expect(ring.offsets.length).toBeGreaterThanOrEqual(100);
    socket.bind(findInterface("vb").index, TYPE);
    const sender = openPacketSocket();
    sender.bind(findInterface("va").index, 0);
    const frame = mapMemory(length);
    frame.bytes.fill(0xff, 0, 6);
    frame.view.setUint16(12, TYPE);
    const seen: number[] = [];
    const { view } = ring.memory;
    for (const [slot, offset] of ring.offsets.entries()) {
      frame.view.setUint32(length - 4, slot);
      expect(sender.send(frame.address, length)).toBe(0);
      expect(view.getUint32(offset + STATUS, true) & USER).toBe(USER);
      expect(view.getUint32(offset + CAPTURED, true)).toBe(length);
      seen.push(view.getUint32(offset + view.getUint16(offset + MAC, true) + length - 4));
    }
    // None was written over by a later one.
    for (const [slot, offset] of ring.offsets.entries()) {
      expect(view.getUint32(offset + view.getUint16(offset + MAC, true) + length - 4)).toBe(slot);
    }
    expect(seen).toEqual(Array.from(ring.offsets, (_, slot) => slot));
    ring.remove();
    socket.close();
    sender.close();
    frame.unmap();
  });
}

test("a slot takes its frame whole, behind 66 bytes of the kernel's, and is the least that does", () => {
  for (let frame = 60; frame < 200; frame++) {
    const slot = slotFor(frame);
    expect(longestFrame(slot)).toBe(slot - 66);
    expect(longestFrame(slot)).toBeGreaterThanOrEqual(frame);
    expect(longestFrame(slot - 16)).toBeLessThan(frame);
  }
});
