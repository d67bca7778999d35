// The xdp link: the contract over a plain veth, where the driver releases a frame when the other
// end has it.

import { describe, expect, test } from "bun:test";

import { BUDGET_BYTES, type Ends, linkConformance } from "../testing/suites/link_suite.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import * as ethernet from "../wire/ethernet.ts";
import { openPacketLink } from "./packet.ts";
import { CHUNK_BYTES, openXdpLink, type XdpLink } from "./xdp.ts";

if (inNamespace(import.meta.path)) {
  linkConformance("xdp", ({ buffers }) => ends(buffers), {
    copies: false,
    repins: false,
    budget: true,
    // A released chunk is named a moment after the other end has its frame: a softirq's.
    release: () => Bun.sleepSync(20),
  });
  describe("the xdp link", own);
}

function ends(buffers?: number): Ends {
  inShell("ip link set va mtu 1500 up; ip link set vb mtu 1500 up");
  const budget = buffers === undefined ? {} : { budgetBytes: buffers * BUDGET_BYTES };
  // A queue is one socket's: a second pair of ends stands the other way round.
  const [near, far] = buffers === undefined ? ["va", "vb"] : ["vb", "va"];
  const a = openXdpLink({ interface: near, ...budget });
  const b = openPacketLink({ interface: far, xdp: "off", ...budget });
  return {
    a,
    b,
    advance: (ns) => Bun.sleepSync(ns / 1e6),
    close() {
      a.close();
      b.close();
    },
    setMtu: (mtu) => inShell(`ip link set va mtu ${mtu}; ip link set vb mtu ${mtu}`),
  };
}

function send(link: XdpLink, size: number): boolean {
  const buffer = link.allocate(size);
  if (buffer === null) throw new Error("no buffer");
  ethernet.write(buffer.view, 0, 0xffff_ffff_ffff, link.mac);
  return link.transmit(buffer, size);
}

function own(): void {
  test("a frame longer than a chunk is copied, and counted apart", () => {
    inShell("ip link set va mtu 9000 up; ip link set vb mtu 9000 up");
    const a = openXdpLink({ interface: "va" });
    const b = openPacketLink({ interface: "vb" });
    expect([send(a, CHUNK_BYTES), send(a, CHUNK_BYTES + 1)]).toEqual([true, true]);
    const lengths: number[] = [];
    for (let step = 0; step < 100 && lengths.length < 2; step++) {
      Bun.sleepSync(1);
      b.receive(({ length }) => lengths.push(length), 8);
    }
    expect([lengths, a.counters.copied, a.counters.transmitted]).toEqual([
      [CHUNK_BYTES, CHUNK_BYTES + 1],
      1,
      2,
    ]);
    a.close();
    b.close();
  });

  test("on an interface that is down a frame is lost, counted, and not pinned", () => {
    const a = openXdpLink({ interface: "va" });
    inShell("ip link set va down");
    expect([send(a, 60), a.pinned.length, a.counters.transmitErrors]).toEqual([true, 0, 1]);
    inShell("ip link set va up");
    expect(send(a, 60)).toBe(true);
    a.close();
  });

  test("zero copy is refused where the driver has none", () => {
    const open = () => openXdpLink({ interface: "va", zeroCopy: true });
    expect(open).toThrow("No zero-copy AF_XDP on va, whose driver has none");
  });

  test("a queue that another socket has refuses the link", () => {
    const a = openXdpLink({ interface: "va" });
    expect(() => openXdpLink({ interface: "va" })).toThrow("No AF_XDP on va");
    a.close();
  });
}
