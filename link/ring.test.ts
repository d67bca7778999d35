// The ring link: the contract over a plain veth, where the kernel releases at once; the contract again where
// it holds every frame (a tbf qdisc on the transmit device, with a copy mirrored to the pair that both
// ends listen on); then that the hold is real, and what a stuck slot does.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { now } from "../sys/clock.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { usage } from "../sys/usage.ts";
import * as ethernet from "../wire/ethernet.ts";
import { allocationsPerCall } from "../testing/doubles/allocations.ts";
import { BUDGET_BYTES, type Ends, linkConformance } from "../testing/suites/link_suite.ts";
import type { FrameView, TxBuffer } from "./link.ts";
import { openPacketLink, type PacketLink } from "./packet.ts";
import { openRingLink, type RingLink } from "./ring.ts";

/** A bucket of one full frame that fills by a byte a second, and charges a full bucket for any frame. */
const HELD = "root tbf rate 8bit burst 9100 mpu 9100 limit 10mb";
const RELEASED = "root tbf rate 10gbit burst 1mb limit 10mb";
const POKE = 0x88b5;

if (inNamespace(import.meta.path)) {
  linkConformance("ring", ({ buffers }) => plainEnds(buffers), { copies: true, budget: true });
  linkConformance("ring, held", ({ buffers }) => heldEnds(buffers), {
    copies: false,
    repins: false,
    budget: true,
    release: releaseAll,
  });
  describe("the ring link under tbf alone", held);
  describe("the ring link", own);
}

function budget(buffers: number | undefined) {
  return buffers === undefined ? {} : { budgetBytes: buffers * BUDGET_BYTES };
}

function plainEnds(buffers?: number): Ends {
  inShell("ip link set va mtu 1500; ip link set vb mtu 1500");
  const a = openRingLink({ interface: "va", ...budget(buffers) });
  const b = openPacketLink({ interface: "vb", ...budget(buffers) });
  return {
    a,
    b,
    advance: (ns) => Bun.sleepSync(ns / 1e6),
    close() {
      inShell("tc qdisc del dev va root 2>/dev/null || true");
      a.close();
      b.close();
    },
    congest: (on) =>
      inShell(on ? "tc qdisc replace dev va root pfifo limit 0" : "tc qdisc del dev va root"),
    setMtu: (mtu) => inShell(`ip link set va mtu ${mtu}; ip link set vb mtu ${mtu}`),
  };
}

/** Sends a frame of another EtherType, long or short, on `device`: tbf looks at its bucket only when one comes. */
function poke(device: string, length: number): void {
  const link = openPacketLink({ interface: device, protocol: POKE });
  const buffer = link.allocate(length);
  if (buffer === null) throw new Error("no buffer");
  buffer.view.setUint16(ethernet.TYPE, POKE);
  link.transmit(buffer, length);
  link.close();
}

function hold(device: string): void {
  inShell(`tc qdisc replace dev ${device} ${HELD}`);
  poke(device, 1514);
}

function release(device: string): void {
  inShell(`tc qdisc change dev ${device} ${RELEASED}`);
  poke(device, 60);
}

/**
 * `a` transmits through ta, which is held, and its frames are mirrored to va: b has them at once. The
 * match of nothing is at −4, within the Ethernet header: at 0 it wants four bytes of payload to be there.
 */
function heldEnds(buffers?: number): Ends {
  inShell(
    [
      "ip link set va mtu 1500; ip link set vb mtu 1500",
      "ip link add ta mtu 1500 type veth peer name tb mtu 1500",
      "ip link set ta addrgenmode none; ip link set tb addrgenmode none",
      "ip link set ta up; ip link set tb up; tc qdisc add dev ta clsact",
      "tc filter add dev ta egress protocol 0x88a2 u32 match u32 0 0 at -4 action mirred egress mirror dev va",
    ].join("; "),
  );
  hold("ta");
  const a = openRingLink({ interface: "va", transmitInterface: "ta", ...budget(buffers) });
  const b = openPacketLink({ interface: "vb", ...budget(buffers) });
  return {
    a,
    b,
    advance: (ns) => Bun.sleepSync(ns / 1e6),
    close() {
      // First: what is held comes free with the device, and its slots can be used again.
      inShell("ip link del ta 2>/dev/null || true");
      a.close();
      b.close();
    },
    setMtu: (mtu) =>
      inShell(["va", "vb", "ta", "tb"].map((each) => `ip link set ${each} mtu ${mtu}`).join("; ")),
  };
}

function releaseAll({ a }: Ends): void {
  release("ta");
  for (let step = 0; step < 100 && (a as RingLink).pinned.length > 0; step++) {
    Bun.sleepSync(1);
    // Counted by the caller: only wait until nothing moves any more.
    if (a.nextDeadline() > 0 && step > 20) break;
  }
}

function held(): void {
  let a: RingLink;
  let b: PacketLink;

  beforeEach(() => {
    inShell("ip link set va mtu 9000 up; ip link set vb mtu 9000 up");
    inShell(`tc qdisc replace dev va ${HELD}`);
    poke("va", 9014);
    a = openRingLink({ interface: "va" });
    b = openPacketLink({ interface: "vb" });
  });
  afterEach(() => {
    a.close();
    b.close();
    inShell("tc qdisc del dev va root");
  });

  function make(number: number, length = 100): TxBuffer {
    const buffer = a.allocate(length);
    if (buffer === null) throw new Error("no buffer");
    ethernet.write(buffer.view, 0, b.mac, a.mac);
    buffer.view.setUint32(ethernet.LENGTH, number);
    return buffer;
  }

  /** The numbers that have come in, after waiting for `count` of them. */
  function arrived(count: number): number[] {
    const numbers: number[] = [];
    const visit = ({ view, base }: FrameView) => {
      numbers.push(view.getUint32(base + ethernet.LENGTH));
    };
    for (const end = now() + 2e9; numbers.length < count && now() < end;) b.receive(visit, 64);
    return numbers;
  }

  test("the hold is real: what is written to a held slot is what the peer receives", () => {
    const buffer = make(1);
    expect(a.transmit(buffer, 100)).toBe(true);
    expect(buffer.pins).toBe(1);
    Bun.sleepSync(20);
    expect(a.reclaim()).toBe(0);
    expect(b.receive(() => {}, 64)).toBe(0);
    // What a pool must never do.
    buffer.view.setUint32(ethernet.LENGTH, 0xbad);
    release("va");
    expect(arrived(1)).toEqual([0xbad]);
    expect(a.reclaim()).toBe(1);
    expect(buffer.pins).toBe(0);
  });

  test("a held buffer can't go again: no room, and the frame stays what it was", () => {
    const buffer = make(1);
    expect(a.transmit(buffer, 100)).toBe(true);
    expect(a.transmit(buffer, 60)).toBe(false);
    expect(a.counters).toMatchObject({ transmitted: 1, transmitBusy: 1 });
    const visit = ({ length }: FrameView) => expect(length).toBe(100);
    release("va");
    for (const end = now() + 2e9; b.receive(visit, 1) === 0 && now() < end;);
    a.reclaim();
    expect(a.transmit(buffer, 100)).toBe(true);
  });

  test("100 jumbo buffers are held at once and come free in any order of use", () => {
    const count = 100;
    const buffers = Array.from({ length: count }, (_, number) => make(number, 9014));
    for (const buffer of buffers) expect(a.transmit(buffer, 9014)).toBe(true);
    expect(a.pinned.length).toBe(count);
    expect(buffers.every(({ pins }) => pins === 1)).toBe(true);
    const deadline = a.nextDeadline();
    expect(deadline).toBeGreaterThan(now() - 1e6);
    expect(deadline).toBeLessThan(now() + 2e6);
    release("va");
    let idle = 0;
    for (const end = now() + 2e9; idle < count && now() < end;) idle += a.reclaim();
    expect(idle).toBe(count);
    expect(arrived(count)).toEqual(Array.from({ length: count }, (_, i) => i));
    expect(a.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    // Backwards, every third.
    inShell(`tc qdisc change dev va ${HELD}`);
    poke("va", 9014);
    const again = buffers.filter((_, i) => i % 3 === 0).reverse();
    for (const buffer of again) expect(a.transmit(buffer, 9014)).toBe(true);
    release("va");
    const wanted = again.map(({ view }) => view.getUint32(ethernet.LENGTH));
    expect(arrived(again.length)).toEqual(wanted);
  });

  test("buffers that come free one by one, some sent again meanwhile, are each counted once", () => {
    const made = Array.from({ length: 6 }, (_, number) => make(number, 9014));
    const held = (): number[] => made.flatMap(({ pins }, number) => (pins > 0 ? [number] : []));
    for (const buffer of made) expect(a.transmit(buffer, 9014)).toBe(true);
    // A frame each 9 ms, in the order in which they were sent: 0, 1, 2, then those that are sent again.
    inShell("tc qdisc change dev va root tbf rate 8mbit burst 9100 limit 10mb");
    poke("va", 60);
    let idle = 0;
    let sent = made.length;
    /** On a busy machine tbf has saved up for a frame now and then, which leaves at once. */
    let pinned = held().length;
    const order: number[] = [];
    for (const end = now() + 10e9; now() < end && held().length > 0;) {
      const before = held();
      idle += a.reclaim();
      const after = held();
      expect(a.pinned.length).toBe(after.length);
      for (const number of before.filter((each) => !after.includes(each))) {
        order.push(number);
        if (sent >= 30) continue;
        const buffer = made[number] as TxBuffer;
        expect(a.transmit(buffer, 9014)).toBe(true);
        sent++;
        if (buffer.pins > 0) pinned++;
      }
      Bun.sleepSync(1);
    }
    expect([held(), a.pinned.length, idle]).toEqual([[], 0, pinned]);
    expect(order).toHaveLength(pinned);
    expect(pinned).toBeGreaterThan(20);
    expect(a.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    for (const buffer of made) a.free(buffer);
    expect(arrived(sent)).toHaveLength(sent);
  }, 60_000);

  test("dropping the queue releases without the frame ever arriving", () => {
    const buffer = make(1);
    a.transmit(buffer, 100);
    inShell("tc qdisc del dev va root");
    expect(a.reclaim()).toBe(1);
    expect(arrived(0)).toEqual([]);
    expect(b.receive(() => {}, 64)).toBe(0);
    inShell(`tc qdisc replace dev va ${RELEASED}`);
  });

  test("closing while the kernel holds frames leaves them to it", () => {
    for (let number = 0; number < 10; number++) a.transmit(make(number), 100);
    a.close();
    release("va");
    expect(arrived(10)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
}

function own(): void {
  test("transmit and reclaim leave no object per frame, and an allocation after the first is cheap", () => {
    inShell("ip link set va mtu 9000 up; ip link set vb mtu 9000 up");
    const a = openRingLink({ interface: "va" });
    const b = openPacketLink({ interface: "vb" });
    const first = a.allocate(1060);
    if (first === null) throw new Error("no buffer");
    ethernet.write(first.view, 0, b.mac, a.mac);
    const none = () => {};
    const cycle = () => {
      a.transmit(first, 1060);
      a.reclaim();
      b.receive(none, 64);
    };
    expect(allocationsPerCall(cycle)).toBeLessThan(0.02);
    expect(a.counters.transmitErrors).toBe(0);
    const perSend = () => {
      const buffer = a.allocate(1060);
      if (buffer !== null) a.free(buffer);
    };
    expect(allocationsPerCall(perSend)).toBeLessThan(0.02);
    a.close();
    b.close();
  });

  test("without descriptors allocate says null, and what was there still works", () => {
    // In a process of its own, whose limit is low.
    const script = `
      import { openRingLink } from "${import.meta.dir}/ring.ts";
      const link = openRingLink({ interface: "va" });
      let made = 0;
      let last = null;
      for (let buffer; (buffer = link.allocate(100)) !== null; made++) last = buffer;
      last.view.setUint16(12, 0x88a2);
      console.log(made, link.transmit(last, 60));
      link.free(last);
      console.log(link.allocate(100) !== null, link.allocate(100));
      link.close();
    `;
    const run = Bun.spawnSync(
      ["sh", "-c", 'ulimit -n 40 || exit 9; exec "$0" -e "$1"', process.execPath, script],
      { stderr: "inherit" },
    );
    const [made, sent, again, none] = run.stdout.toString().trim().split(/\s/);
    expect(Number(made)).toBeGreaterThan(5);
    expect([sent, again, none]).toEqual(["true", "true", "null"]);
  });

  test("a jumbo buffer costs a few pages", () => {
    const a = openRingLink({ interface: "va" });
    const before = usage().peakBytes;
    const buffers = Array.from({ length: 64 }, () => a.allocate(9014));
    expect(buffers.every((buffer) => buffer !== null)).toBe(true);
    expect(usage().peakBytes - before).toBeLessThan(64 * 65_536);
    a.close();
  });
}
