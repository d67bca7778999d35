// A link whose interface is deleted and made again under its name, and one whose interface becomes a bridge's: over
// a real veth pair.

import { afterEach, expect, test } from "bun:test";

import { now } from "../sys/clock.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { findInterface } from "../sys/interface.ts";
import { mapMemory } from "../sys/memory.ts";
import { openPacketSocket, SOL_PACKET } from "../sys/packet_socket.ts";
import * as ethernet from "../wire/ethernet.ts";
import { BROADCAST } from "../wire/mac.ts";
import type { Link, TxBuffer } from "./link.ts";
import { openPacketLink } from "./packet.ts";
import type { RawLinkFacts } from "./packet_receiver.ts";
import { openRingLink } from "./ring.ts";
import { openXdpLink } from "./xdp.ts";
import { comesTrue } from "../testing/suites/veth_ends.ts";
import { LOOK_EVERY, REST } from "./xdp_gate.ts";
import { openWithLane } from "./write_lane.ts";
import type { PacketOptions } from "./packet_options.ts";

/** linux/if_ether.h, linux/if_packet.h. */
const ETH_P_ALL = 3;
const PACKET_IGNORE_OUTGOING = 23;
const env = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
const PAIR =
  "ip link add va mtu 9000 type veth peer name vb mtu 9000; ip link set va up; ip link set vb up";

if (inNamespace(import.meta.path)) {
  const opened: Link[] = [];
  afterEach(() => {
    for (const link of opened.splice(0)) link.close();
  });

  function open<T extends Link>(link: T): T {
    opened.push(link);
    return link;
  }

  function buffer(link: Link, size: number): TxBuffer {
    const made = link.allocate(size);
    if (made === null) throw new Error("no buffer");
    return made;
  }

  /** Whether a frame of `made` from `from` reaches `to`, within a while. */
  function reaches(from: Link, to: Link, made: TxBuffer, length: number): boolean {
    ethernet.write(made.view, 0, BROADCAST, from.mac);
    let came = 0;
    for (let round = 0; round < 200 && came === 0; round++) {
      // A buffer that is held can't go again.
      if (made.pins === 0) from.transmit(made, length);
      from.flush();
      Bun.sleepSync(5);
      from.reclaim();
      from.receive(() => {}, 64);
      to.receive((frame) => {
        if (frame.length >= length) came++;
      }, 64);
    }
    return came > 0;
  }

  /** How many hold va promiscuous. */
  function promiscuity(): number {
    const { stdout } = Bun.spawnSync(["ip", "-d", "link", "show", "va"], { env });
    return Number(/promiscuity (\d+)/.exec(stdout.toString())?.[1]);
  }

  type Open = (options: PacketOptions) => Link & RawLinkFacts;
  const LINKS: readonly (readonly [string, Open, Partial<PacketOptions>])[] = [
    ["packet", openPacketLink, {}],
    ["packet, AF_XDP off", openPacketLink, { xdp: "off" }],
    ["packet, AF_XDP on", openPacketLink, { xdp: "on" }],
    ["packet, promiscuous", openPacketLink, { promiscuous: true }],
    ["ring", openRingLink, {}],
    ["xdp", openXdpLink, { budgetBytes: 64 << 10 }],
    ["write lane", (options) => openWithLane(openPacketLink, options), {}],
  ];

  test.each(LINKS)(
    "%s: made again, it hears and sends, out of the buffers that it had",
    (_, make, more) => {
      const said: string[] = [];
      const onNotice = (sentence: string): void => {
        said.push(sentence);
      };
      const link = open(make({ interface: "va", onNotice, ...more }));
      let far = openPacketLink({ interface: "vb" });
      const [small, large] = [buffer(link, 60), buffer(link, 9014)];
      expect(reaches(link, far, small, 60)).toBe(true);
      expect(promiscuity()).toBe(more.promiscuous === true ? 1 : 0);
      let told = 0;
      link.onChange = () => told++;
      far.close();
      inShell("ip link del va");
      expect(comesTrue([link], () => said.length > 0)).toBe(true);
      expect([said, link.carrier, told]).toEqual([["Interface va is gone"], false, 1]);
      // Lost, and no reason for a fault.
      for (let i = 0; i < 10; i++) expect(link.transmit(small, 60)).toBe(true);
      link.flush();
      const lost = link.counters.transmitErrors;
      expect(lost).toBeGreaterThan(0);
      inShell(`${PAIR}; ip link set va address 02:00:00:00:0a:0a`);
      expect(comesTrue([link], () => link.carrier)).toBe(true);
      expect(said).toEqual(["Interface va is gone", "Interface va is there again"]);
      expect([link.mac, link.mtu]).toEqual([0x0200_0000_0a0a, 9000]);
      far = open(openPacketLink({ interface: "vb" }));
      // Those of the link that were made since, too.
      for (const made of [small, large, buffer(link, 500)]) {
        expect(reaches(link, far, made, made.bytes.length)).toBe(true);
      }
      expect(reaches(far, link, buffer(far, 9014), 9014)).toBe(true);
      link.free(small);
      link.free(large);
      expect(promiscuity()).toBe(more.promiscuous === true ? 1 : 0);
    },
  );

  test("AF_XDP is opened again too", () => {
    const link = open(openPacketLink({ interface: "va", xdp: "on" }));
    inShell(`ip link del va; ${PAIR}`);
    expect(comesTrue([link], () => link.carrier)).toBe(true);
    // A socket that broke is not replaced at once.
    for (const end = now() + REST + 2 * LOOK_EVERY; now() < end; Bun.sleepSync(20)) {
      link.receive(() => {}, 0);
    }
    const far = open(openPacketLink({ interface: "vb" }));
    const made = buffer(link, 60);
    expect(reaches(link, far, made, 60)).toBe(true);
    // What leaves so is shown to no capture on this host.
    const capture = openPacketSocket();
    const memory = mapMemory(2048);
    capture.bind(findInterface("va").index, ETH_P_ALL);
    capture.setOption(SOL_PACKET, PACKET_IGNORE_OUTGOING, new Uint8Array(4));
    expect(reaches(link, far, made, 60)).toBe(true);
    expect(capture.receive(memory.address, 2048)).toBeLessThan(0);
    capture.close();
    memory.unmap();
  });

  test("the interface that frames leave by", () => {
    inShell(
      "ip link add wa mtu 9000 type veth peer name wb mtu 9000; ip link set wa up; ip link set wb up",
    );
    const link = open(openPacketLink({ interface: "va", transmitInterface: "wa" }));
    inShell("ip link del wa");
    const made = buffer(link, 60);
    comesTrue([link], () => false);
    inShell(
      "ip link add wa mtu 9000 type veth peer name wb mtu 9000; ip link set wa up; ip link set wb up",
    );
    const far = open(openPacketLink({ interface: "wb" }));
    // By AF_XDP, by the ordinary socket, by the one for large frames.
    expect(reaches(link, far, made, 60)).toBe(true);
    expect(reaches(link, far, buffer(link, 2000), 2000)).toBe(true);
    expect(reaches(link, far, buffer(link, 9014), 9014)).toBe(true);
    inShell("ip link del wa");
  });

  test("a link that is told not to follow stays where it was", () => {
    const said: string[] = [];
    const onNotice = (sentence: string): void => {
      said.push(sentence);
    };
    const link = open(openPacketLink({ interface: "va", follows: false, onNotice }));
    inShell(`ip link del va; ${PAIR}`);
    const far = open(openPacketLink({ interface: "vb" }));
    comesTrue([link], () => false);
    ethernet.write(buffer(far, 60).view, 0, BROADCAST, far.mac);
    far.flush();
    expect([link.receive(() => {}, 64), said]).toEqual([0, []]);
  });

  test("the port of a bridge: said when it is opened, and when it becomes one, with the master's name", () => {
    const sentence =
      "Interface va is a port of bridge br0, which takes its frames: use br0 in its place";
    inShell("ip link add br0 type bridge; ip link set br0 up; ip link set va master br0");
    try {
      const port = open(openPacketLink({ interface: "va" }));
      expect(port.granted.warnings).toEqual([sentence]);
      expect(openRingLink({ interface: "br0" }).granted.warnings).toEqual([]);
      inShell("ip link set va nomaster");
      const said: string[] = [];
      const onNotice = (text: string): void => {
        said.push(text);
      };
      const link = open(openPacketLink({ interface: "va", onNotice }));
      expect(link.granted.warnings).toEqual([]);
      for (const times of [1, 2]) {
        inShell("ip link set va master br0");
        expect(comesTrue([link], () => said.length === times)).toBe(true);
        for (const mtu of [8000, 9000]) {
          inShell(`ip link set va mtu ${mtu}`);
          expect(comesTrue([link], () => link.mtu === mtu)).toBe(true);
        }
        inShell("ip link set va nomaster");
        comesTrue([link], () => false);
        expect(said).toEqual(Array.from({ length: times }, () => sentence));
      }
      // It is as the sentence says.
      inShell("ip link set va master br0");
      const far = open(openPacketLink({ interface: "vb" }));
      const made = buffer(far, 60);
      const bridge = open(openPacketLink({ interface: "br0" }));
      expect(reaches(far, bridge, made, 60)).toBe(true);
      link.receive(() => expect.unreachable(), 64);
    } finally {
      inShell("ip link del br0");
    }
  });
}
