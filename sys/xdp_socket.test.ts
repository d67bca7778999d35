// The AF_XDP sender's bookkeeping: which chunks wait, which are free, and what leaves.

import { expect, test } from "bun:test";

import { inNamespace } from "./in_namespace.ts";
import { findInterface } from "./interface.ts";
import { mapMemory } from "./memory.ts";
import { openPacketSocket } from "./packet_socket.ts";
import { openXdpSender, XDP_SLOTS } from "./xdp_socket.ts";

const TYPE = 0x88b5;

if (inNamespace(import.meta.path)) inside();

function inside(): void {
  const sender = openXdpSender(findInterface("va").index, 1 << 20);
  if (sender === null) {
    test.skip("the AF_XDP sender: this kernel has none", () => {});
    return;
  }
  const receiver = openPacketSocket();
  receiver.bind(findInterface("vb").index, TYPE);
  const frame = mapMemory(2048);
  frame.bytes.fill(0xff, 0, 6);
  frame.view.setUint16(12, TYPE);
  /** Puts a frame that says `number` and is as long as it says. */
  const put = (number: number): void => {
    frame.view.setUint32(14, number);
    sender.put(frame.address, number);
  };
  const arrived = (): number[] => {
    const into = mapMemory(2048);
    const numbers: number[] = [];
    for (let length = receiver.receive(into.address, 2048); length > 0;) {
      expect(into.view.getUint32(14)).toBe(length);
      numbers.push(length);
      length = receiver.receive(into.address, 2048);
    }
    into.unmap();
    return numbers;
  };

  test("as many frames wait as there are chunks, and each is known by its place", () => {
    // Twice, so that the ring's end lies between those that wait.
    for (const first of [100, 200]) {
      for (let at = 0; at < 3; at++) put(first + at);
      expect(sender.waiting).toBe(3);
      expect([0, 1, 2].map(sender.lengthOf)).toEqual([first, first + 1, first + 2]);
      expect(sender.kick()).toBe(0);
      expect([sender.waiting, arrived()]).toEqual([0, [first, first + 1, first + 2]]);
    }
    const numbers = Array.from({ length: XDP_SLOTS }, (_, at) => 300 + at);
    for (const number of numbers) {
      expect(sender.hasRoom).toBe(true);
      put(number);
    }
    expect(sender.hasRoom).toBe(false);
    expect(numbers.map((_, at) => sender.lengthOf(at))).toEqual(numbers);
    expect(new Set(numbers.map((_, at) => sender.addressOf(at))).size).toBe(XDP_SLOTS);
    expect(sender.kick()).toBe(0);
    expect([sender.hasRoom, arrived()]).toEqual([true, numbers]);
  });

  test("what is forgotten does not leave, with the next either", () => {
    put(400);
    put(401);
    sender.forget();
    expect([sender.waiting, sender.hasRoom]).toEqual([0, true]);
    put(402);
    expect([sender.waiting, sender.lengthOf(0)]).toEqual([1, 402]);
    expect(sender.kick()).toBe(0);
    expect(arrived()).toEqual([402]);
    expect([sender.broken, sender.takeDropped()]).toEqual([false, 0]);
    sender.close();
    receiver.close();
    frame.unmap();
  });
}
