// The packet link over a real veth pair: the contract of a link, then what is its own.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";

import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { now } from "../sys/clock.ts";
import { closeFile, openFile } from "../sys/file.ts";
import { inNamespace, inShell, setMtuAtOnce } from "../testing/suites/in_namespace.ts";
import { LEAST_LINEAR, MOST_LINEAR } from "../sys/linear_sender.ts";
import { mapFile } from "../sys/mapped_file.ts";
import { takeWhere } from "../sys/bpf.ts";
import { Failure } from "../words/failure.ts";
import * as ethernet from "../wire/ethernet.ts";
import { BROADCAST, type Mac } from "../wire/mac.ts";
import { allocationsPerCall } from "../testing/doubles/allocations.ts";
import { BUDGET_BYTES, type Ends, linkConformance } from "../testing/suites/link_suite.ts";
import { type FrameView, TO_HOST, TO_OTHER, type TxBuffer } from "./link.ts";
import { openPacketLink, type PacketLink } from "./packet.ts";
import { slotFor } from "../sys/packet_ring.ts";
import { ringBytesFor } from "./granted.ts";
import { comesTrue, vethEnds } from "../testing/suites/veth_ends.ts";
import type { PacketOptions } from "./packet_options.ts";

if (inNamespace(import.meta.path)) {
  linkConformance("packet", ({ buffers }) => ordinaryEnds(buffers), { copies: true, budget: true });
  describe("the packet link", own);
}

/** Small frames by AF_XDP have a file of their own: packet_xdp.test.ts. */
function ordinaryEnds(buffers?: number): Ends {
  return {
    ...vethEnds({
      xdp: "off",
      ...(buffers === undefined ? {} : { budgetBytes: buffers * BUDGET_BYTES }),
    }),
    // A queue of no length refuses every frame.
    congest: (on) =>
      inShell(on ? "tc qdisc replace dev va root pfifo limit 0" : "tc qdisc del dev va root"),
  };
}

function own(): void {
  let a: PacketLink;
  let b: PacketLink;
  let buffer: TxBuffer;

  function open(options: Partial<PacketOptions> = {}): void {
    a = openPacketLink({ interface: "va", ...options });
    b = openPacketLink({ interface: "vb", ...options });
    const made = a.allocate(ethernet.LENGTH + 9000);
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
  });

  /** Sends a frame with `number` behind its header. */
  function send(number: number, length = 60): boolean {
    buffer.view.setUint32(ethernet.LENGTH, number);
    const sent = a.transmit(buffer, length);
    a.flush();
    return sent;
  }

  test("100,000 frames arrive in order and unbroken, through many turns of the ring", () => {
    open();
    const total = 100_000;
    let next = 0;
    let broken = 0;
    const visit = ({ view, base, length }: FrameView) => {
      const number = view.getUint32(base + ethernet.LENGTH);
      const expected = 60 + (number % 1400);
      // The last four bytes say the number again.
      if (number !== next || length !== expected) broken++;
      if (view.getUint32(base + length - 4) !== number) broken++;
      next++;
    };
    for (let number = 0; number < total; number++) {
      const length = 60 + (number % 1400);
      buffer.view.setUint32(length - 4, number);
      expect(send(number, length)).toBe(true);
      if (number % 100 === 99) while (b.receive(visit, 64) > 0);
    }
    while (b.receive(visit, 64) > 0);
    expect({ next, broken }).toEqual({ next: total, broken: 0 });
    expect(b.granted.ringSlots).toBeLessThan(total / 100);
    expect(b.counters).toMatchObject({ received: total, receiveDrops: 0 });
  });

  test("a full ring drops the newest, counts them, and goes on", () => {
    open({ ringBytes: 262_144 });
    const slots = b.granted.ringSlots;
    for (let number = 0; number < slots + 37; number++) send(number);
    const numbers: number[] = [];
    const visit = ({ view, base }: FrameView) => {
      numbers.push(view.getUint32(base + ethernet.LENGTH));
    };
    while (b.receive(visit, 64) > 0);
    expect(numbers).toEqual(Array.from({ length: slots }, (_, i) => i));
    expect(b.counters).toMatchObject({ received: slots, receiveDrops: 37 });
    send(7);
    expect(b.receive(visit, 64)).toBe(1);
    expect(numbers.at(-1)).toBe(7);
    expect(b.counters.receiveDrops).toBe(37);
  });

  test("a ring for so many frames takes them all at once", () => {
    open({ ringFrames: 1024 });
    for (let number = 0; number < 1024; number++) expect(send(number)).toBe(true);
    while (b.receive(() => {}, 64) > 0);
    expect(b.counters).toMatchObject({ received: 1024, receiveDrops: 0 });
  });

  test("a ring is never smaller than the usual one, nor larger than the kernel is willing to give", () => {
    const jumbo = slotFor(9114);
    expect(ringBytesFor({}, jumbo)).toBe(4 << 20);
    expect(ringBytesFor({ ringFrames: 64 }, jumbo)).toBe(4 << 20);
    expect(ringBytesFor({ ringFrames: 65_535 }, jumbo)).toBe(64 << 20);
    // The loopback's frames: 128 of them, seven in each half MiB.
    const longest = slotFor(65_550);
    expect(ringBytesFor({}, longest)).toBe(19 << 19);
    expect(ringBytesFor({ ringFrames: 512 }, longest)).toBe(74 << 19);
    expect(ringBytesFor({ ringBytes: 131_072, ringFrames: 512 }, longest)).toBe(131_072);
  });

  test("smaller slots make more of them", () => {
    inShell("ip link set va mtu 1500; ip link set vb mtu 1500");
    open({ largestMtu: 1500 });
    expect(b.granted.ringSlots).toBeGreaterThan(2500);
  });

  test("frames that outgrow their slots before the link knows are dropped and counted, then all fit", () => {
    inShell("ip link set va mtu 1500; ip link set vb mtu 1500");
    // The first look would open an AF_XDP socket, and last as long as it is until the next one.
    const options = { largestMtu: 1500, xdp: "off" } as const;
    open(options);
    let told = 0;
    b.onChange = () => told++;
    const lengths: number[] = [];
    const visit = ({ length }: FrameView) => lengths.push(length);
    // The link looks once a millisecond: right after a look it does not know yet, unless the machine is so busy that
    // the next one is due before both frames are in.
    for (let attempt = 0; attempt < 50 && (b.truncated === 0 || told > 0); attempt++) {
      setMtuAtOnce("va", 1500);
      setMtuAtOnce("vb", 1500);
      b.close();
      b = openPacketLink({ interface: "vb", ...options });
      b.onChange = () => told++;
      told = lengths.length = 0;
      b.receive(visit, 64);
      setMtuAtOnce("va", 9000);
      setMtuAtOnce("vb", 9000);
      send(1, 9014);
      send(2, 100);
      while (b.receive(visit, 64) > 0);
    }
    expect({ truncated: b.truncated, drops: b.counters.receiveDrops }).toEqual({
      truncated: 1,
      drops: 1,
    });
    expect(lengths).toEqual([100]);
    // Now it looks. What waits in the old ring is lost, and counted.
    Bun.sleepSync(2);
    send(3, 200);
    expect(b.receive(visit, 64)).toBe(0);
    expect({ told, mtu: b.mtu }).toEqual({ told: 1, mtu: 9000 });
    expect(b.counters.receiveDrops).toBe(2);
    send(4, 9014);
    expect(b.receive(visit, 64)).toBe(1);
    expect(lengths).toEqual([100, 9014]);
  });

  test("frames between strangers are marked as such, and other EtherTypes don't come in", () => {
    open();
    const seen: number[] = [];
    const visit = ({ addressed }: FrameView) => seen.push(addressed);
    ethernet.write(buffer.view, 0, 0x0200_0000_1234 as Mac, a.mac);
    send(1);
    ethernet.write(buffer.view, 0, b.mac, a.mac);
    send(2);
    buffer.view.setUint16(ethernet.TYPE, 0x88b5);
    send(3);
    b.receive(visit, 64);
    expect(seen).toEqual([TO_OTHER, TO_HOST]);
    // Not one of its own transmits either.
    expect(a.receive(visit, 64)).toBe(0);
  });

  test("a kernel filter lets in what it says, in order, from the first frame on", () => {
    // Accept where the byte behind the header has bit 0x40: as the receive lane of writes does with tags.
    const filter = takeWhere(ethernet.LENGTH, 0x40, "set");
    open({ filter });
    for (let number = 0; number < 256; number++) send(number << 24);
    const seen: number[] = [];
    while (b.receive(({ bytes, base }) => seen.push(bytes[base + ethernet.LENGTH] ?? 0), 64) > 0);
    expect(seen).toEqual(Array.from({ length: 256 }, (_, i) => i).filter((i) => (i & 0x40) !== 0));
    expect(b.counters.receiveDrops).toBe(0);
  });

  test("a program that the kernel refuses is a sentence", () => {
    open();
    const filter = [{ code: 0xffff, jt: 0, jf: 0, k: 0 }];
    expect(() => openPacketLink({ interface: "va", filter })).toThrow("refused the packet filter");
  });

  test("link down: lost and counted, told, then up again and all is well", () => {
    open();
    const told: boolean[] = [];
    a.onChange = () => told.push(a.carrier);
    inShell("ip link set va down");
    expect(send(1)).toBe(true);
    expect(comesTrue([a, b], () => !a.carrier && !b.carrier)).toBe(true);
    expect(a.counters).toMatchObject({ transmitted: 0, transmitErrors: 1 });
    expect(told).toEqual([false]);
    inShell("ip link set va up");
    // The kernel may take a second to say that an interface runs again.
    expect(comesTrue([a, b], () => a.carrier && b.carrier)).toBe(true);
    expect(told.at(-1)).toBe(true);
    expect(send(2)).toBe(true);
    expect(b.receive(() => {}, 64)).toBe(1);
  });

  test("a new MAC is told", () => {
    open();
    const before = a.mac;
    inShell("ip link set va address 02:00:00:00:00:07");
    let told = 0;
    a.onChange = () => told++;
    expect(comesTrue([a, b], () => told > 0)).toBe(true);
    expect({ told, mac: a.mac }).toEqual({ told: 1, mac: 0x0200_0000_0007 });
    expect(before).not.toBe(a.mac);
  });

  test("receive and transmit leave no object per frame", () => {
    open();
    let bytes = 0;
    const visit = ({ view, base, length }: FrameView) => {
      bytes += length + view.getUint8(base);
    };
    const cycle = (call: number) => {
      send(call);
      b.receive(visit, 64);
      a.receive(visit, 64);
      a.flush();
      a.reclaim();
    };
    expect(allocationsPerCall(cycle)).toBeLessThan(0.02);
    expect(bytes).toBeGreaterThan(0);
    const wasteful = (call: number) => {
      send(call);
      b.receive((frame) => {
        bytes += frame.bytes.subarray(frame.base, frame.base + 6).length;
      }, 64);
    };
    expect(allocationsPerCall(wasteful)).toBeGreaterThan(0.9);
  });

  test("a frame in two parts arrives as one; where the second can't be read nothing is sent", () => {
    open();
    const directory = mkdtempSync(join(tmpdir(), "aoe-parts-"));
    const path = join(directory, "file");
    writeFileSync(path, Buffer.alloc(16_384, 5));
    const fd = openFile(path, {});
    const file = mapFile(fd, 16_384, false);
    try {
      if (file === null) throw new Error("no mapping");
      buffer.bytes.fill(3, ethernet.LENGTH, 36);
      expect(a.transmitBoth?.(buffer, 36, file.address + 100, 8192)).toBe(true);
      let seen = "";
      const visit = ({ bytes, base, length }: FrameView): void => {
        const head = bytes.subarray(base + ethernet.LENGTH, base + 36);
        const rest = bytes.subarray(base + 36, base + length);
        seen += `${length} ${head.every((each) => each === 3)} ${rest.every((each) => each === 5)}`;
      };
      expect(b.receive(visit, 64)).toBe(1);
      expect(seen).toBe("8228 true true");
      const drop = (): void => {};
      const cycle = (): void => {
        a.transmitBoth?.(buffer, 36, file.address, 512);
        b.receive(drop, 64);
      };
      expect(allocationsPerCall(cycle)).toBeLessThan(0.02);
      truncateSync(path, 4096);
      expect(a.transmitBoth?.(buffer, 36, file.address + 8192, 512)).toBe(false);
      expect(a.transmitBoth?.(buffer, 36, file.address + 3584, 1024)).toBe(false);
      expect(a.transmitBoth?.(buffer, 36, file.address, 8192)).toBe(false);
      expect(b.receive(visit, 64)).toBe(0);
      expect(a.transmitBoth?.(buffer, 36, file.address, 512)).toBe(true);
      expect(b.receive(visit, 64)).toBe(1);
    } finally {
      file?.unmap();
      closeFile(fd);
      rmSync(directory, { recursive: true });
    }
  });

  test("frames around a page and the longest piece arrive whole, from one place and from two", () => {
    inShell("ip link set va mtu 20000; ip link set vb mtu 20000");
    try {
      open({ largestMtu: 20_000 });
      const made = a.allocate(20_014);
      if (made === null) throw new Error("no buffer");
      for (let at = ethernet.LENGTH; at < made.bytes.length; at++) made.bytes[at] = at % 251;
      ethernet.write(made.view, 0, b.mac, a.mac);
      const arrived: string[] = [];
      const visit = ({ bytes, base, length }: FrameView): void => {
        const whole = bytes.subarray(base + ethernet.LENGTH, base + length);
        const good = whole.every((each, at) => each === (at + ethernet.LENGTH) % 251);
        arrived.push(`${length} ${good}`);
      };
      const edges = [LEAST_LINEAR, MOST_LINEAR];
      const lengths = [60, ...edges.flatMap((edge) => [edge - 1, edge, edge + 1]), 20_014];
      for (const length of lengths) {
        expect(a.transmit(made, length)).toBe(true);
        expect(a.transmitBoth?.(made, 36, made.address + 36, length - 36)).toBe(true);
        expect(b.receive(visit, 64)).toBe(2);
      }
      expect(arrived).toEqual(lengths.flatMap((length) => [`${length} true`, `${length} true`]));
      expect([a.counters.transmitErrors, a.counters.transmitBusy]).toEqual([0, 0]);
    } finally {
      inShell("ip link set va mtu 9000; ip link set vb mtu 9000");
    }
  });

  test("another transmit interface sends there and receives here", () => {
    open();
    a.close();
    inShell("ip link add wa type veth peer name wb && ip link set wa up && ip link set wb up");
    try {
      a = openPacketLink({ interface: "va", transmitInterface: "wa" });
      const far = openPacketLink({ interface: "wb" });
      const made = a.allocate(60);
      if (made === null) throw new Error("no buffer");
      ethernet.write(made.view, 0, BROADCAST, a.mac);
      expect(a.transmit(made, 60)).toBe(true);
      a.flush();
      expect([far.receive(() => {}, 1), b.receive(() => {}, 1)]).toEqual([1, 0]);
      far.close();
    } finally {
      inShell("ip link del wa");
    }
  });

  test("what the environment lacks is one sentence and exit code 5", () => {
    open();
    const says = (options: PacketOptions): [string, number] => {
      try {
        openPacketLink(options).close();
        return ["nothing", 0];
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return [error.message, error.exitCode];
      }
    };
    const [message, code] = says({ interface: "eth9" });
    expect(code).toBe(5);
    expect(message).toMatch(/^No interface `eth9`: there is lo, .*va/);
    expect(says({ interface: "a name that is far too long" })[1]).toBe(5);
    inShell("ip link set va down");
    const down = openPacketLink({ interface: "va" });
    expect(down.granted.warnings.join()).toContain("Interface va is down");
    down.close();
  });

  test("a link that is idle costs a look, not a system call each time", () => {
    open();
    const none = () => {};
    for (let i = 0; i < 20_000; i++) b.receive(none, 64);
    const start = now();
    for (let i = 0; i < 20_000; i++) b.receive(none, 64);
    // One clock and one status word: 50 ns here; a system call is 200 and more. Wide, for busy machines.
    expect((now() - start) / 20_000).toBeLessThan(1000);
  });
}
