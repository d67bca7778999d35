// An open that fails half-way leaves nothing: with no descriptor, one, two … available, each opener fails at each of its
// steps in turn, and what it took is given back.

import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";

import { expect, test } from "bun:test";

import { inNamespace, limitDescriptors } from "../testing/suites/in_namespace.ts";
import { openIoUring } from "../sys/io_uring.ts";
import { openIoWorkers } from "../sys/io_workers.ts";
import { openLinkWatch } from "../sys/link_watch.ts";
import { createPoller } from "../sys/poll.ts";
import { openTap } from "../sys/tap.ts";
import { Failure } from "../words/failure.ts";
import type { Link } from "./link.ts";
import { openPacketLink } from "./packet.ts";
import { createPollWaiter } from "./poll_waiter.ts";
import { openRingLink } from "./ring.ts";
import { openXdpLink } from "./xdp.ts";
import { openWithLane } from "./write_lane.ts";

/** Descriptors of this process, beside its own. */
const LIMIT = 120;
/** More than any opener needs. */
const MOST = 14;

interface Open {
  close(): void;
}

const OPENERS: readonly (readonly [string, () => Open])[] = [
  ["packet", () => openPacketLink({ interface: "va" })],
  ["packet, AF_XDP off", () => openPacketLink({ interface: "va", xdp: "off" })],
  ["packet, AF_XDP on", () => openPacketLink({ interface: "va", xdp: "on" })],
  ["packet, two interfaces", () => openPacketLink({ interface: "va", transmitInterface: "vb" })],
  ["ring", () => openRingLink({ interface: "va" })],
  ["xdp", () => openXdpLink({ interface: "va", budgetBytes: 64 << 10 })],
  ["ring with buffers", () => withBuffers(openRingLink({ interface: "va" }))],
  ["write lane", () => openWithLane(openPacketLink, { interface: "va" })],
  ["poller", createPoller],
  ["waiter", createPollWaiter],
  ["link watch", openLinkWatch],
  ["TAP", () => openTap("tap0")],
  ["workers", () => openIoWorkers("")],
  [
    "io_uring",
    () => {
      const ring = openIoUring();
      if (typeof ring === "string") throw new Failure(ring, 5);
      return ring;
    },
  ],
];

function withBuffers(link: Link): Open {
  const buffers = Array.from({ length: 4 }, () => link.allocate(2000));
  for (const buffer of buffers) if (buffer !== null) link.free(buffer);
  return link;
}

/** Anonymous pages mapped, bytes. */
function mapped(): number {
  const [, kib = "0"] = /^VmData:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kib) << 10;
}

/** The process's descriptors and the mappings of sockets and rings. */
function held(): string {
  const fds = readdirSync("/proc/self/fd").length;
  const maps = readFileSync("/proc/self/maps", "utf8").split("\n");
  const shared = maps.filter((line) => /socket:|io_uring|anon_inode/.test(line)).length;
  return `${fds} descriptors, ${shared} mappings`;
}

if (inNamespace(import.meta.path)) {
  test.each(OPENERS)(
    "%s",
    (name, open) => {
      // What a module keeps for the life of the process is not what an open leaves behind.
      try {
        open().close();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        console.log(`${name}: ${error.message}`);
      }
      const before = held();
      limitDescriptors(LIMIT);
      let failures = 0;
      try {
        for (let left = 0; left <= MOST; left++) {
          const hog: number[] = [];
          try {
            for (;;) hog.push(openSync("/dev/null", "r"));
          } catch {}
          for (const fd of hog.splice(0, left)) closeSync(fd);
          try {
            open().close();
          } catch (error) {
            if (!(error instanceof Failure)) throw error;
            expect([0, 5]).toContain(error.exitCode);
            failures++;
          } finally {
            for (const fd of hog) closeSync(fd);
          }
          expect(`${left} left: ${held()}`).toBe(`${left} left: ${before}`);
        }
      } finally {
        limitDescriptors(1024);
      }
      expect(failures).toBeGreaterThan(0);
    },
    60_000,
  );

  test("a link that is closed leaves no memory mapped", () => {
    const open = (): void => openPacketLink({ interface: "va" }).close();
    for (let warm = 0; warm < 20; warm++) open();
    const before = mapped();
    for (let more = 0; more < 200; more++) open();
    expect(mapped() - before).toBeLessThan(16 << 20);
  }, 60_000);
}
