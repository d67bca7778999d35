// Small frames of the packet link by AF_XDP, over a real veth pair: the contract of a link, then what captures, queue
// disciplines and a queue that somebody else has mean for it.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { ENETDOWN } from "../sys/errno.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { findInterface } from "../sys/interface.ts";
import { mapMemory } from "../sys/memory.ts";
import { openPacketSocket, SOL_PACKET } from "../sys/packet_socket.ts";
import { hasQueueDiscipline } from "../sys/queue_discipline.ts";
import * as ethernet from "../wire/ethernet.ts";
import { BROADCAST } from "../wire/mac.ts";
import { type Ends, linkConformance } from "../testing/suites/link_suite.ts";
import type { TxBuffer } from "./link.ts";
import { openPacketLink, type PacketLink } from "./packet.ts";
import { comesTrue, vethEnds } from "../testing/suites/veth_ends.ts";
import type { PacketOptions } from "./packet_options.ts";

/** linux/if_ether.h, linux/if_packet.h. */
const ETH_P_ALL = 3;
const PACKET_IGNORE_OUTGOING = 23;

if (inNamespace(import.meta.path)) {
  linkConformance("packet by AF_XDP", () => xdpEnds(), { copies: true });
  describe("small frames by AF_XDP", own);
}

/** No queue that could be full stands on this path. */
function xdpEnds(): Ends {
  const ends = vethEnds({ xdp: "on" });
  expect([...ends.a.granted.warnings, ...ends.b.granted.warnings]).toEqual([]);
  return ends;
}

function own(): void {
  let a: PacketLink;
  let b: PacketLink;
  let buffer: TxBuffer;

  function open(options: Partial<PacketOptions> = {}): void {
    b = openPacketLink({ interface: "vb", ...options });
    openNear(options);
  }

  function openNear(options: Partial<PacketOptions> = {}): void {
    a = openPacketLink({ interface: "va", ...options });
    const made = a.allocate(60);
    if (made === null) throw new Error("no buffer");
    buffer = made;
    ethernet.write(buffer.view, 0, b.mac, a.mac);
  }

  beforeEach(() => {
    inShell("ip link set va mtu 9000 up; ip link set vb mtu 9000 up");
  });
  afterEach(() => {
    a.close();
    b.close();
    // The kernel gives a queue back a moment after its socket is closed.
    Bun.sleepSync(20);
  });

  /** Sends a frame with `number` behind its header. */
  function send(number: number): boolean {
    buffer.view.setUint32(ethernet.LENGTH, number);
    const sent = a.transmit(buffer, 60);
    a.flush();
    return sent;
  }

  /** A capture on va, as libpcap's: what it is shown of what is sent, each frame's number. */
  function openCapture(): { take(): number[]; close(): void } {
    const socket = openPacketSocket();
    const { index } = findInterface("va");
    const memory = mapMemory(2048);
    // `bind` asks not to be shown what is sent; a capture wants just that.
    socket.bind(index, ETH_P_ALL);
    socket.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, new Uint8Array(4));
    return {
      take() {
        const numbers: number[] = [];
        while (socket.receive(memory.address, 2048) > 0) {
          if (memory.view.getUint16(ethernet.TYPE) !== ethernet.ETHERTYPE_AOE) continue;
          numbers.push(memory.view.getUint32(ethernet.LENGTH));
        }
        return numbers;
      },
      close() {
        socket.close();
        memory.unmap();
      },
    };
  }

  test("small frames pass a capture by until it is seen; then it shows them, until it is gone", () => {
    open();
    let arrived = 0;
    const count = (): void => {
      arrived++;
    };
    a.receive(count, 0);
    const capture = openCapture();
    try {
      for (let number = 0; number < 10; number++) send(number);
      expect(capture.take()).toEqual([]);
      Bun.sleepSync(120);
      a.receive(count, 0);
      for (let number = 10; number < 20; number++) send(number);
      expect(capture.take()).toEqual(Array.from({ length: 10 }, (_, at) => at + 10));
    } finally {
      capture.close();
    }
    const transmitted = a.counters.transmitted;
    b.receive(count, 64);
    expect([arrived, transmitted]).toEqual([20, 20]);
  });

  test("which disciplines count: any of this interface's, clsact too, and none of another's", () => {
    open();
    const { index } = findInterface("va");
    const found = (): boolean => hasQueueDiscipline(index);
    expect(found()).toBe(false);
    expect(hasQueueDiscipline(1_000_000)).toBe(true);
    for (const [kind, counts] of [
      ["dev vb root pfifo", false],
      ["dev va clsact", true],
      ["dev va root tbf rate 1gbit burst 64k latency 1ms", true],
    ] as const) {
      inShell(`tc qdisc add ${kind}`);
      try {
        expect([kind, found()]).toEqual([kind, counts]);
      } finally {
        inShell(`tc qdisc del ${kind}`);
      }
    }
    expect(found()).toBe(false);
  });

  test("closing a link sends what waits", () => {
    open({ xdp: "on" });
    a.transmit(buffer, 60);
    expect(b.receive(() => {}, 64)).toBe(0);
    a.close();
    expect(b.receive(() => {}, 64)).toBe(1);
  });

  test("a queue discipline gets all frames as soon as it is there", () => {
    open();
    a.receive(() => {}, 0);
    inShell("tc qdisc add dev va root pfifo limit 0");
    try {
      Bun.sleepSync(2);
      a.receive(() => {}, 0);
      expect(send(1)).toBe(false);
    } finally {
      inShell("tc qdisc del dev va root");
    }
    for (let number = 2; number < 4; number++) {
      // At first by the ordinary socket, then by AF_XDP again.
      Bun.sleepSync(60);
      a.receive(() => {}, 0);
      expect(send(number)).toBe(true);
    }
    expect(b.receive(() => {}, 64)).toBe(2);
  });

  test("one link has an interface's AF_XDP queue; the next one sends by an ordinary socket and says so where it was told", () => {
    open();
    const capture = openCapture();
    try {
      const other = openPacketLink({ interface: "va" });
      expect(other.granted.warnings).toEqual([]);
      other.close();
      a.close();
      openNear({ xdp: "on" });
      const told = openPacketLink({ interface: "va", xdp: "on" });
      expect(told.granted.warnings.join()).toMatch(
        /^No AF_XDP on va, where another socket has its queue/,
      );
      told.close();
      // Told to, it passes even a capture by; told not to, it never does.
      send(1);
      expect(capture.take()).toEqual([]);
      a.close();
      openNear({ xdp: "off" });
      send(2);
      expect(capture.take()).toEqual([2]);
      expect(b.receive(() => {}, 64)).toBe(2);
    } finally {
      capture.close();
    }
  });

  test("by AF_XDP: link down, no carrier and a deleted interface lose frames, counted; the link lives on", () => {
    open({ xdp: "on" });
    inShell("ip link set va down");
    for (let number = 0; number < 3; number++) expect(send(number)).toBe(true);
    expect(a.counters).toMatchObject({ transmitted: 0, transmitErrors: 3, lastErrno: ENETDOWN });
    inShell("ip link set va up; ip link set vb down");
    // More than one at a time: what the device dropped must not leave later.
    for (let burst = 0; burst < 3; burst++) {
      for (let number = 0; number < 4; number++) a.transmit(buffer, 60);
      a.flush();
    }
    expect(a.counters).toMatchObject({ transmitted: 0, transmitErrors: 15 });
    inShell("ip link set vb up");
    expect(comesTrue([a, b], () => a.carrier && b.carrier)).toBe(true);
    for (let number = 4; number < 11; number++) a.transmit(buffer, 60);
    a.flush();
    expect(a.counters).toMatchObject({ transmitted: 7, transmitErrors: 15 });
    expect(b.receive(() => {}, 64)).toBe(7);
    inShell("ip link add wa type veth peer name wb && ip link set wa up && ip link set wb up");
    const doomed = openPacketLink({ interface: "wa", xdp: "on" });
    inShell("ip link del wa");
    const frame = doomed.allocate(60);
    if (frame === null) throw new Error("no buffer");
    ethernet.write(frame.view, 0, BROADCAST, 1);
    doomed.transmit(frame, 60);
    doomed.flush();
    expect(doomed.counters).toMatchObject({ transmitted: 0, transmitErrors: 1 });
    doomed.close();
  });
}
