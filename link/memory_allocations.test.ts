// Per frame nothing is allocated: a round trip over the memory link, under each wrapper, in steady state.

import { expect, test } from "bun:test";
import { createRandom } from "../words/random.ts";
import { allocationsPerCall } from "../testing/doubles/allocations.ts";
import { createCapture } from "./capture.ts";
import { createDeadlines } from "./deadlines.ts";
import { parseFaults } from "./fault_plan.ts";
import { createFaults } from "./faults.ts";
import type { FrameView, Link } from "./link.ts";
import type { Core } from "./loop.ts";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock, runVirtual, type VirtualClock } from "./virtual_clock.ts";
import { type Wrapper, wrapLink } from "./wrap.ts";

const DEPTH = 16;

/** One end that keeps DEPTH requests out, one that answers; a call is one more round trip. */
function roundTrips(wrappers: (clock: VirtualClock) => Wrapper[]): (call: number) => void {
  const clock = createVirtualClock();
  const [rawA, rawB] = createMemoryPair({ clock, latency: 5_000 });
  const a = wrapLink(rawA, wrappers(clock));
  const b = wrapLink(rawB, wrappers(clock));
  const buffers = (link: Link, to: number) =>
    Array.from({ length: 256 }, () => {
      const buffer = link.allocate(1060);
      if (buffer === null) throw new Error("no buffer");
      buffer.view.setUint16(0, 0x0200);
      buffer.view.setUint32(2, to);
      return buffer;
    });
  const [outs, backs] = [buffers(a, 0x0b), buffers(b, 0x0a)];
  let done = 0;
  let wanted = 0;
  let sent = 0;
  let next = 0;
  const send = (link: Link, from: typeof outs, length: number) => {
    // Round robin, past what is pinned: enough for a pool's work here.
    for (let tries = 0; tries < from.length; tries++) {
      const buffer = from[next++ & 255];
      if (buffer?.pins === 0) return link.transmit(buffer, length);
    }
    throw new Error("every buffer is pinned");
  };
  const core = (link: Link, visit: (frame: FrameView) => void, advance: () => void): Core => ({
    ports: [{ link, visit, reclaimed() {} }],
    begin() {},
    advance,
    nextDeadline: () => Infinity,
  });
  const asks = core(
    a,
    () => {
      done++;
    },
    () => {
      while (sent < done + DEPTH) {
        send(a, outs, 60);
        sent++;
      }
    },
  );
  const answers = core(
    b,
    () => {
      send(b, backs, 1060);
    },
    () => {},
  );
  const cores = [asks, answers];
  const until = () => done >= wanted;
  return () => {
    wanted = done + 1;
    if (!runVirtual(cores, clock, until)) throw new Error("the frames went missing");
  };
}

const cases: [string, (clock: VirtualClock) => Wrapper[]][] = [
  ["memory", () => []],
  ...[
    "coalesce:64/1ms",
    "delay:100us",
    "next-xmit:50us",
    "on-receive:50us",
    "batch:32",
    "ring:64/32",
  ].map((text): [string, (clock: VirtualClock) => Wrapper[]] => [
    text,
    (clock) => [(inner) => createReclaim(inner, parseReclaim(text, "x"), clock)],
  ]),
  ...[
    "tx:delay:10us,rx:delay:uniform/0us/10us",
    "tx:corrupt:100%,rx:corrupt:100%/payload",
    "tx:reorder:10%/20us,rx:reorder:10%/20us",
  ].map((text): [string, (clock: VirtualClock) => Wrapper[]] => [
    text,
    (clock) => [
      (inner) => createFaults(inner, parseFaults(text, "x"), { clock, random: createRandom(1) }),
    ],
  ]),
  ["capture", (clock) => [(inner) => createCapture(inner, { clock, sink() {}, snaplen: 64 })]],
];

for (const [name, wrappers] of cases) {
  test(`a round trip allocates nothing: ${name}`, () => {
    const perTrip = allocationsPerCall(roundTrips(wrappers), { calls: 1000, warmUp: 10_000 });
    // Handing a capture's gathered bytes over makes one view every 128 KiB or more.
    expect(perTrip).toBeLessThan(0.02);
  });
}

test("setting, clearing and popping deadlines allocates nothing", () => {
  const deadlines = createDeadlines(256);
  let now = 0;
  const work = (call: number) => {
    deadlines.set(call & 255, now + ((call * 7919) & 1023));
    deadlines.clear((call * 31) & 255);
    now++;
    deadlines.pop(now);
  };
  expect(allocationsPerCall(work)).toBeLessThan(0.02);
});
