// Reads that a link sends from where they stand in memory: the same answer as ever, and where the link can't,
// the ordinary way.

import { expect, test } from "bun:test";

import type { FrameView, Link } from "../../link/link.ts";
import { iterate } from "../../link/loop.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { toBytes } from "../../wire/frame.ts";
import { Export } from "./export.ts";
import {
  MAJOR,
  MINOR,
  model,
  OURS,
  pattern,
  PEER,
  readFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { Target } from "./target.ts";

/** Answers to three reads of two sectors and one write; how often the link was asked for two parts. */
function answers(how: "sends" | "refuses" | "absent", known = true, service = "") {
  const clock = createVirtualClock();
  const [inner, peer] = createMemoryPair({ clock, macA: OURS, macB: PEER, mtu: 9000 });
  const store = createMemoryStore(SECTORS);
  const stored = { bytes: pattern(SECTORS, 3), view: new DataView(new ArrayBuffer(0)), address: 0 };
  store.write(0, SECTORS, { ...stored, view: new DataView(stored.bytes.buffer) }, 0, 0);
  let asked = 0;
  const link = inner as Link & { transmitBoth?: Link["transmitBoth"] };
  if (how !== "absent") {
    link.transmitBoth = (buffer, length, address, bytes) => {
      asked++;
      if (how === "refuses") return false;
      // The address stands for the place in the store, from 1 on.
      buffer.bytes.set(stored.bytes.subarray(address - 1, address - 1 + bytes), length);
      return inner.transmit(buffer, length + bytes);
    };
  }
  const target = new Target();
  const owner = new Export({
    major: MAJOR,
    minor: MINOR,
    store: Object.assign(store, { addressOf: (lba: number) => (known ? 1 + lba * 512 : 0) }),
    ...(service === "" ? {} : { model: model(service) }),
  });
  target.addExport(owner);
  target.addPort(link, "ours");
  const frames: Uint8Array[] = [];
  const visit = ({ bytes, base, length }: FrameView): void => {
    frames.push(bytes.slice(base, base + length));
  };
  iterate(target, clock.now());
  peer.receive(() => {}, 64);
  const requests = [
    readFrame(1, 2, { tag: 1 }),
    readFrame(SECTORS - 2, 2, { tag: 2 }),
    readFrame(SECTORS, 2, { tag: 3 }),
    writeFrame(9, pattern(2, 8), { tag: 4 }),
    readFrame(0, 1, { tag: 5 }),
  ];
  for (const request of requests) {
    const bytes = toBytes(request);
    const buffer = peer.allocate(9014);
    if (buffer === null) throw new Error("no buffer");
    buffer.bytes.set(bytes);
    peer.transmit(buffer, bytes.length);
    iterate(target, clock.now());
    clock.wait(clock.now() + 1e6);
    iterate(target, clock.now());
    peer.receive(visit, 64);
  }
  const { reads, readBytes, ataErrors, inService } = owner.counters;
  const { answered, sentBytes } = target.ports[0]?.counters ?? { answered: 0, sentBytes: 0 };
  return {
    asked,
    frames: frames.map((each) => Buffer.from(each).toString("hex")),
    counters: { reads, readBytes, ataErrors, inService, answered, sentBytes, held: target.inHand },
  };
}

test("the answer is the same, byte for byte and counter for counter", () => {
  const ordinary = answers("absent");
  expect(ordinary.frames).toHaveLength(5);
  const inPlace = answers("sends");
  // Neither the read beyond the end nor the write.
  expect(inPlace).toEqual({ ...ordinary, asked: 3 });
  expect(answers("refuses")).toEqual({ ...ordinary, asked: 3 });
});

test("what is not known to be in memory, or waits in a service model, goes the ordinary way", () => {
  const ordinary = answers("absent");
  expect(answers("sends", false)).toEqual(ordinary);
  const delayed = answers("sends", true, "delay:10us");
  expect(delayed.asked).toBe(0);
  expect(delayed.frames).toEqual(ordinary.frames);
});
