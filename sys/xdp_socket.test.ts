// The AF_XDP sender's own books, over a real veth pair: which chunks are free, what waits, and what a kick that finds the
// interface down gives back.

import { afterEach, beforeEach, expect, test } from "bun:test";

import { ENETDOWN } from "./errno.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { findInterface } from "./interface.ts";
import { type Mapping, mapMemory } from "./memory.ts";
import { openPacketSocket } from "./packet_socket.ts";
import { openXdpSender, XDP_SLOTS, type XdpSender } from "./xdp_socket.ts";

const PROTOCOL = 0x88a2;
const NUMBER = 14;

if (inNamespace(import.meta.path)) {
  let sender: XdpSender;
  let frame: Mapping;
  beforeEach(() => {
    inShell("ip link set va up; ip link set vb up");
    const { index } = findInterface("va");
    let opened = openXdpSender(index, 1 << 20);
    // The kernel gives a queue back a moment after its socket is closed.
    for (let tries = 0; opened === null && tries < 200; tries++) {
      Bun.sleepSync(5);
      opened = openXdpSender(index, 1 << 20);
    }
    if (opened === null) throw new Error("no AF_XDP on va");
    sender = opened;
    frame = mapMemory(64);
    frame.bytes.fill(0xff, 0, 6);
    frame.view.setUint16(12, PROTOCOL);
  });
  afterEach(() => {
    sender.close();
    frame.unmap();
  });

  function put(number: number, length = 60): void {
    frame.view.setUint32(NUMBER, number);
    sender.put(frame.address, length);
  }

  /** What `send` sends comes in at vb, in this order. */
  function arriving(send: () => void): number[] {
    const socket = openPacketSocket();
    const memory = mapMemory(2048);
    socket.bind(findInterface("vb").index, PROTOCOL);
    send();
    const numbers: number[] = [];
    while (socket.receive(memory.address, 2048) > 0) numbers.push(memory.view.getUint32(NUMBER));
    socket.close();
    memory.unmap();
    return numbers;
  }

  test("so many chunks as there are hold a frame each, and no more: round after round", () => {
    let number = 0;
    const sent: number[] = [];
    const came = arriving(() => {
      for (let round = 0; round < 20; round++) {
        const count = round % 3 === 0 ? XDP_SLOTS : 1 + (round % XDP_SLOTS);
        for (let at = 0; at < count; at++) {
          expect([sender.waiting, sender.hasRoom]).toEqual([at, true]);
          sent.push(number);
          put(number++);
        }
        expect([sender.waiting, sender.hasRoom]).toEqual([count, count < XDP_SLOTS]);
        expect(sender.kick()).toBe(0);
        expect([sender.waiting, sender.hasRoom, sender.takeDropped()]).toEqual([0, true, 0]);
      }
    });
    expect(came).toEqual(sent);
  });

  test("more frames than the completion ring has places", () => {
    for (let sent = 0; sent < 6000; sent += XDP_SLOTS) {
      for (let at = 0; at < XDP_SLOTS; at++) put(sent + at);
      if (sender.kick() !== 0) throw new Error(`a kick failed after ${sent} frames`);
    }
    expect([sender.waiting, sender.hasRoom, sender.takeDropped()]).toEqual([0, true, 0]);
  });

  test("what waits can be read where it stands; forgotten, it never leaves", () => {
    for (let number = 0; number < 5; number++) put(number);
    sender.kick();
    // Chunks 5, 6, 7, 0, 1: the ring has turned. Each is one byte shorter than the one before.
    for (let number = 10; number < 15; number++) put(number, 70 - number);
    expect([0, 1, 2, 3, 4].map((at) => sender.lengthOf(at))).toEqual([60, 59, 58, 57, 56]);
    const first = sender.addressOf(0);
    expect([1, 2, 3, 4].map((at) => sender.addressOf(at) - first)).toEqual([
      2048,
      2 * 2048,
      -5 * 2048,
      -4 * 2048,
    ]);
    sender.forget();
    expect([sender.waiting, sender.hasRoom]).toEqual([0, true]);
    const came = arriving(() => {
      put(20);
      sender.kick();
    });
    expect(came).toEqual([20]);
  });

  test("an interface that is down takes nothing: all wait as before, and leave once it is up", () => {
    inShell("ip link set va down");
    for (let number = 0; number < 3; number++) put(number);
    expect(sender.kick()).toBe(ENETDOWN);
    expect([sender.broken, sender.waiting, sender.takeDropped()]).toEqual([false, 3, 0]);
    inShell("ip link set va up");
    Bun.sleepSync(50);
    expect(arriving(() => expect(sender.kick()).toBe(0))).toEqual([0, 1, 2]);
    expect([sender.waiting, sender.hasRoom]).toEqual([0, true]);
  });

  test("frames that the device drops are counted once, and the next ones leave", () => {
    inShell("ip link set vb down");
    for (let number = 0; number < 3; number++) put(number);
    expect(sender.kick()).toBe(0);
    expect([sender.takeDropped(), sender.takeDropped()]).toEqual([3, 0]);
    expect([sender.broken, sender.waiting, sender.hasRoom]).toEqual([false, 0, true]);
    inShell("ip link set vb up");
    Bun.sleepSync(50);
    const came = arriving(() => {
      for (let number = 5; number < 12; number++) put(number);
      expect(sender.kick()).toBe(0);
    });
    expect(came).toEqual([5, 6, 7, 8, 9, 10, 11]);
    expect(sender.takeDropped()).toBe(0);
  });
}
