// Nothing is allocated per frame in steady state, on every path that carries data.

import { describe, expect, test } from "bun:test";

import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import type { FrameView } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { iterate } from "../../link/loop.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { toBytes, type Frame } from "../../wire/frame.ts";
import { Export } from "./export.ts";
import {
  MAJOR,
  MINOR,
  model,
  OURS,
  PEER,
  pattern,
  readFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { Target } from "./target.ts";

/** Objects that one request and its answer cost, the link's and the clock's included. */
function perRequest(
  make: (tag: number) => Frame,
  service = "",
  leak: unknown[] | null = null,
): number {
  const clock = createVirtualClock();
  const [ours, peer] = createMemoryPair({ clock, macA: OURS, macB: PEER, mtu: 9000 });
  const target = new Target();
  const owner = new Export({
    major: MAJOR,
    minor: MINOR,
    store: createMemoryStore(SECTORS),
    ...(service === "" ? {} : { model: model(service) }),
  });
  target.addExport(owner);
  target.addPort(ours, "ours");
  const frame = toBytes(make(1));
  const buffer = peer.allocate(frame.length);
  if (buffer === null) throw new Error("invariant: room for a frame");
  buffer.bytes.set(frame);
  let answers = 0;
  const visit = (_frame: FrameView): void => {
    answers++;
  };
  const work = (call: number): void => {
    // A tag of its own for each, or P28 answers instead of the store.
    buffer.view.setUint32(20, call);
    buffer.view.setUint32(40, (call * 0x9e37_79b1) >>> 0);
    peer.transmit(buffer, frame.length);
    iterate(target, clock.now());
    if (service !== "") {
      clock.wait(clock.now() + 1000);
      iterate(target, clock.now());
    }
    if (leak !== null) leak.push({ call });
    peer.receive(visit, 64);
  };
  // More than the duplicate table holds, so that it has grown to what it will ever be.
  const objects = allocationsPerCall(work, { warmUp: 70_000, calls: 1000, blocks: 3 });
  expect(answers).toBeGreaterThan(70_000);
  expect(target.inHand).toBe(0);
  expect(owner.counters.aoeErrors + owner.counters.ataErrors).toBe(0);
  return objects;
}

describe("objects per frame in steady state", () => {
  test("a read: none", () => {
    expect(perRequest((tag) => readFrame(3, 2, { tag }))).toBeLessThan(0.05);
  });

  test("a write: none", () => {
    expect(perRequest((tag) => writeFrame(3, pattern(2, 1), { tag }))).toBeLessThan(0.05);
  });

  test("a write through lanes and a delay: none", () => {
    const make = (tag: number): Frame => writeFrame(3, pattern(2, 1), { tag });
    expect(perRequest(make, "lanes:2,delay:1us")).toBeLessThan(0.05);
  });

  test("control: one object per frame is seen", () => {
    const leak: unknown[] = [];
    expect(perRequest((tag) => readFrame(3, 2, { tag }), "", leak)).toBeGreaterThan(0.9);
  });
});
