// Raw sockets as such, without a ring: what they count, queue and refuse.

import { expect, test } from "bun:test";

import { readFileSync } from "node:fs";

import { EAGAIN, EMSGSIZE, ENETDOWN } from "./errno.ts";
import { inNamespace, inShell } from "../testing/suites/in_namespace.ts";
import { findInterface } from "./interface.ts";
import { openLinkWatch } from "./link_watch.ts";
import { mapMemory } from "./memory.ts";
import { openPacketSocket } from "./packet_socket.ts";

const TYPE = 0x88b5;

const ADMIN = 1n << 12n;
const effective = /CapEff:\s*([0-9a-f]+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
const mayExceed = (BigInt(`0x${effective ?? 0}`) & ADMIN) !== 0n;

if (inNamespace(import.meta.path)) inside();
else {
  const why = mayExceed ? "" : " (skipped: it takes CAP_NET_ADMIN)";
  test.skipIf(!mayExceed)(`buffers exceed the system's limit with the privilege${why}`, () => {
    const socket = openPacketSocket();
    const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
    // The kernel doubles what is asked for.
    expect(socket.growReceiveBuffer(2 * limit)).toBe(4 * limit);
    socket.close();
  });

  test("an ordinary user hears what it takes to have a raw socket", () => {
    const script = `
      import { openPacketSocket } from "${import.meta.dir}/packet_socket.ts";
      try { openPacketSocket(); console.log("granted"); } catch (error) { console.log(error.exitCode, error.message); }
    `;
    // A user namespace without a network namespace has no right to the network that it looks out on.
    const run = Bun.spawnSync(["unshare", "--user", process.execPath, "-e", script]);
    if (run.exitCode !== 0) {
      console.log("skipped: no user namespaces here");
      return;
    }
    expect(run.stdout.toString()).toMatch(
      /^5 No permission for raw Ethernet: .*CAP_NET_RAW.*aoe lab/,
    );
  });
}

function inside(): void {
  function pair() {
    const a = openPacketSocket();
    const b = openPacketSocket();
    b.bind(findInterface("vb").index, TYPE);
    a.bind(findInterface("va").index, 0);
    const frame = mapMemory(65_536);
    frame.bytes.fill(0xff, 0, 6);
    frame.view.setUint16(12, TYPE);
    function close(): void {
      a.close();
      b.close();
      frame.unmap();
    }
    return { a, b, frame, close };
  }

  test("a frame goes over, then there is none", () => {
    const { a, b, frame, close } = pair();
    frame.view.setUint32(14, 0xdeadbeef);
    expect(a.send(frame.address, 60)).toBe(0);
    frame.view.setUint32(14, 0);
    expect(b.receive(frame.address, 65_536)).toBe(60);
    expect(frame.view.getUint32(14)).toBe(0xdeadbeef);
    expect(b.receive(frame.address, 65_536)).toBe(-EAGAIN);
    // Deaf: bound without a protocol.
    expect(b.send(frame.address, 60)).toBe(0);
    expect(a.receive(frame.address, 65_536)).toBe(-EAGAIN);
    close();
  });

  test("buffers are what the kernel grants, and a small one drops and counts", () => {
    const { a, b, frame, close } = pair();
    const small = b.growReceiveBuffer(4096);
    expect(small).toBe(b.receiveBufferBytes);
    expect(small).toBeLessThan(100_000);
    for (let i = 0; i < 200; i++) a.send(frame.address, 1000);
    let received = 0;
    while (b.receive(frame.address, 65_536) > 0) received++;
    expect(received).toBeGreaterThan(0);
    expect(received + b.takeDrops()).toBe(200);
    expect(b.takeDrops()).toBe(0);
    const large = a.growSendBuffer(1 << 20);
    expect(large).toBe(a.sendBufferBytes);
    expect(large).toBeGreaterThanOrEqual(212_992);
    close();
  });

  test("what the device holds is charged, and a full send buffer says try again", () => {
    const { a, frame, close } = pair();
    inShell("tc qdisc replace dev va root tbf rate 8bit burst 9100 mpu 9100 limit 10mb");
    a.growSendBuffer(65_536);
    a.send(frame.address, 9014);
    expect(a.queuedBytes()).toBeLessThan(40_000);
    let code = 0;
    let sent = 0;
    for (; code === 0 && sent < 1000; sent++) code = a.send(frame.address, 9014);
    expect(code).toBe(EAGAIN);
    expect(a.queuedBytes()).toBeGreaterThan(40_000);
    inShell("tc qdisc del dev va root");
    expect(a.queuedBytes()).toBe(0);
    close();
  });

  test("over the MTU, and on a link that is down, the errno says so; the watch and the error come once", () => {
    const { a, b, frame, close } = pair();
    expect(a.send(frame.address, 9015)).toBe(EMSGSIZE);
    const watch = openLinkWatch();
    expect(watch.take()).toBe(false);
    inShell("ip link set vb down");
    expect(watch.take()).toBe(true);
    expect(watch.take()).toBe(false);
    expect(b.takeError()).toBe(ENETDOWN);
    expect(b.takeError()).toBe(0);
    inShell("ip link set va down");
    expect(a.send(frame.address, 60)).toBe(ENETDOWN);
    inShell("ip link set va up; ip link set vb up");
    expect(a.send(frame.address, 60)).toBe(0);
    // Queue disciplines are watched, too.
    inShell("tc qdisc add dev va root pfifo");
    watch.take();
    inShell("tc qdisc replace dev va root pfifo limit 5");
    expect(watch.take()).toBe(true);
    expect(watch.take()).toBe(false);
    // More news than its buffer holds are news all the same.
    const many = Array.from({ length: 600 }, (_, at) => `link set va mtu ${1500 + (at % 2)}`);
    Bun.spawnSync(["ip", "-batch", "-"], { stdin: Buffer.from(many.join("\n")) });
    expect(watch.take()).toBe(true);
    expect(watch.take()).toBe(false);
    watch.close();
    close();
  });
}
