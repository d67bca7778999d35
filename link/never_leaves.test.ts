// A frame that the kernel refuses each time, over a real veth pair: a queue discipline whose bucket is smaller than the
// frame, and a peer of a smaller MTU. Every link gives it up in time, counts it, and sends what is shorter meanwhile.

import { afterEach, expect, test } from "bun:test";

import { now } from "../sys/clock.ts";
import { ENOBUFS } from "../sys/errno.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { createRandom } from "../words/random.ts";
import * as ethernet from "../wire/ethernet.ts";
import { createCapture } from "./capture.ts";
import { parseFaults } from "./fault_plan.ts";
import { createFaults } from "./faults.ts";
import type { Link, TxBuffer } from "./link.ts";
import { openPacketLink } from "./packet.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { PATIENCE } from "./refusals.ts";
import { openRingLink } from "./ring.ts";
import { openXdpLink } from "./xdp.ts";
import { openWithLane } from "./write_lane.ts";

if (inNamespace(import.meta.path)) {
  const clock = { now };
  const faulty = (plan: string) => (): Link =>
    createFaults(packet(), parseFaults(plan, "--faults"), { clock, random: createRandom(1) });
  const packet = (): Link => openPacketLink({ interface: "va" });
  const LINKS: readonly (readonly [string, () => Link])[] = [
    ["packet", packet],
    ["packet, AF_XDP off", () => openPacketLink({ interface: "va", xdp: "off" })],
    ["packet, AF_XDP on", () => openPacketLink({ interface: "va", xdp: "on" })],
    ["ring", () => openRingLink({ interface: "va" })],
    ["xdp", () => openXdpLink({ interface: "va", budgetBytes: 64 << 10 })],
    ["write lane", () => openWithLane(openPacketLink, { interface: "va" })],
    ["reclaim", () => createReclaim(packet(), parseReclaim("delay:1ms", "--reclaim"), clock)],
    ["capture", () => createCapture(packet(), { clock, sink: () => {} })],
    ["faults", faulty("tx:drop:0%")],
  ];
  const OBSTACLES: readonly (readonly [string, string])[] = [
    ["a bucket of 4 KB", "tc qdisc add dev va root tbf rate 100mbit burst 4kb latency 50ms"],
    ["a peer of MTU 1500", "ip link set vb mtu 1500"],
  ];
  const opened: Link[] = [];
  afterEach(() => {
    for (const link of opened.splice(0)) link.close();
    inShell("tc qdisc del dev va root 2>/dev/null || true; ip link set vb mtu 9000");
  });

  function make(link: Link, size: number): TxBuffer {
    const buffer = link.allocate(size);
    if (buffer === null) throw new Error("no buffer");
    ethernet.write(buffer.view, 0, 0x0200_0000_000b, link.mac);
    return buffer;
  }

  for (const [obstacle, command] of OBSTACLES) {
    test.each(LINKS)(`${obstacle}: %s`, (_, open) => {
      const link = open();
      opened.push(link);
      const [large, small] = [make(link, 9014), make(link, 60)];
      inShell(command);
      const begun = now();
      let tries = 0;
      for (; !link.transmit(large, 9014) && now() < begun + 20 * PATIENCE; Bun.sleepSync(1)) {
        tries++;
        if (tries % 10 > 0) continue;
        expect(link.transmit(small, 60)).toBe(true);
        link.flush();
        Bun.sleepSync(2);
        link.reclaim();
      }
      const took = now() - begun;
      expect(tries).toBeGreaterThan(2);
      expect(took).toBeGreaterThanOrEqual(PATIENCE);
      expect(took).toBeLessThan(20 * PATIENCE);
      expect(large.pins).toBe(0);
      expect(link.counters).toMatchObject({ transmitErrors: 1, lastErrno: ENOBUFS });
      // The next ones as long are lost at once, and shorter ones leave.
      for (let lost = 2; lost < 10; lost++) {
        expect(link.transmit(large, 9014)).toBe(true);
        expect(link.counters.transmitErrors).toBe(lost);
      }
      const sent = link.counters.transmitted;
      expect(link.transmit(small, 60)).toBe(true);
      link.flush();
      expect(link.counters.transmitted).toBe(sent + 1);
      expect(link.counters.transmitErrors).toBe(9);
      // And where the obstacle is gone, so is the memory of it.
      inShell("tc qdisc del dev va root 2>/dev/null || true; ip link set vb mtu 9000");
      expect(link.transmit(large, 9014)).toBe(true);
      expect(link.counters.transmitErrors).toBe(9);
      inShell(command);
      expect(link.transmit(large, 9014)).toBe(false);
    });
  }

  test("a frame sent in two parts ends it too", () => {
    const link = openPacketLink({ interface: "va" });
    opened.push(link);
    const large = make(link, 9014);
    const [obstacle] = OBSTACLES;
    inShell(obstacle?.[1] as string);
    for (const end = now() + 20 * PATIENCE; !link.transmit(large, 9014) && now() < end;) {
      Bun.sleepSync(1);
    }
    expect(link.counters.transmitErrors).toBe(1);
    inShell("tc qdisc del dev va root");
    expect(link.transmitBoth?.(large, 36, large.address + 36, 8978)).toBe(true);
    inShell(obstacle?.[1] as string);
    expect(link.transmit(large, 9014)).toBe(false);
  });

  test("a send buffer that stays full is waited for, however long: its frames leave first", () => {
    const link = openPacketLink({ interface: "va", sendBufferBytes: 65_536 });
    opened.push(link);
    const large = make(link, 9014);
    inShell("tc qdisc add dev va root tbf rate 8bit burst 9100 mpu 9100 limit 10mb");
    let sent = 0;
    while (link.transmit(large, 9014) && sent < 1000) sent++;
    for (const end = now() + 4 * PATIENCE; now() < end; Bun.sleepSync(2)) {
      expect(link.transmit(large, 9014)).toBe(false);
    }
    expect(link.counters).toMatchObject({ transmitted: sent, transmitErrors: 0 });
  });

  test("late frames of a link with faults don't wait behind one that never leaves", () => {
    const link = faulty("tx:delay:1ms")();
    opened.push(link);
    const [large, small] = [make(link, 9014), make(link, 60)];
    inShell(OBSTACLES[0]?.[1] as string);
    expect(link.transmit(large, 9014)).toBe(true);
    expect(link.transmit(small, 60)).toBe(true);
    const end = now() + 20 * PATIENCE;
    for (; link.counters.transmitted === 0 && now() < end; Bun.sleepSync(1)) {
      link.reclaim();
      link.flush();
    }
    expect(link.counters).toMatchObject({ transmitted: 1, transmitErrors: 1 });
  });
}
