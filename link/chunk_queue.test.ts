// What can go wrong with AF_XDP's rings, over rings that no kernel has: full, refused, dropped, and
// a driver that is awake.

import { expect, test } from "bun:test";

import { EAGAIN, EBUSY, ENETDOWN } from "../sys/errno.ts";
import { NEED_WAKEUP, type XdpRings } from "../sys/xdp_rings.ts";
import { ChunkQueue } from "./chunk_queue.ts";

const CHUNKS = 4;
const [PRODUCER, CONSUMER, FLAGS, DESCRIPTORS] = [0, 1, 2, 4];

/** Rings whose kernel answers a kick as `answer` says, having taken all when it says 0. */
function fake(answer: () => number) {
  const words = new Int32Array(DESCRIPTORS + 4 * CHUNKS);
  const done = new Int32Array(DESCRIPTORS + 2 * CHUNKS);
  words[FLAGS] = NEED_WAKEUP;
  let kicks = 0;
  const rings: XdpRings = {
    words,
    producer: PRODUCER,
    consumer: CONSUMER,
    flags: FLAGS,
    descriptors: DESCRIPTORS,
    done,
    doneProducer: PRODUCER,
    doneConsumer: CONSUMER,
    doneAddresses: DESCRIPTORS,
    kick() {
      kicks++;
      const code = answer();
      if (code === 0) words[CONSUMER] = words[PRODUCER] ?? 0;
      return code;
    },
    close() {},
  };
  let dropped = 0;
  const queue = new ChunkQueue(rings, CHUNKS, () => dropped++);
  return {
    queue,
    words,
    /** The kernel names `offset` as released. */
    release(offset: number) {
      const at = done[PRODUCER] ?? 0;
      done[DESCRIPTORS + (at & (CHUNKS - 1)) * 2] = offset;
      done[PRODUCER] = at + 1;
    },
    released(): number[] {
      const offsets: number[] = [];
      queue.released((offset) => offsets.push(offset));
      return offsets;
    },
    seen: () => [kicks, dropped],
  };
}

test("a frame for which there is no room stands in the ring, and the next kick takes it", () => {
  let code = EAGAIN;
  const { queue, words } = fake(() => code);
  expect([queue.send(0, 60), queue.unsent]).toEqual([0, true]);
  code = 0;
  expect([queue.kick(), queue.unsent, words[CONSUMER]]).toEqual([0, false, 1]);
});

test("an interface that is down has not looked, and the frame is taken back", () => {
  const { queue, words } = fake(() => ENETDOWN);
  expect([queue.send(0, 60), words[PRODUCER], queue.unsent]).toEqual([ENETDOWN, 0, false]);
});

test("what the device drops is told once, and those behind it leave by the next call", () => {
  const codes = [EBUSY, EBUSY, 0];
  const { queue, seen } = fake(() => codes.shift() ?? 0);
  expect([queue.send(0, 60), seen(), queue.unsent]).toEqual([0, [3, 2], false]);
});

test("a device that drops for ever does not hold the caller for ever", () => {
  const { queue, seen } = fake(() => EBUSY);
  expect([queue.send(0, 60), seen()]).toEqual([0, [CHUNKS + 1, CHUNKS + 1]]);
});

test("a full completion ring is read whole, in its order, also where it begins again", () => {
  const { release, released } = fake(() => 0);
  for (let round = 0; round < 3; round++) {
    for (const chunk of [2, 0, 3, 1]) release(chunk * 4096);
    expect(released()).toEqual([8192, 0, 12288, 4096]);
    release(4096);
    expect(released()).toEqual([4096]);
  }
});

test("a driver that is awake is not kicked", () => {
  const { queue, words, seen } = fake(() => 0);
  words[FLAGS] = 0;
  expect([queue.send(0, 60), seen(), queue.unsent]).toEqual([0, [0, 0], true]);
  words[CONSUMER] = 1;
  expect([queue.kick(), queue.unsent]).toEqual([0, false]);
  words[FLAGS] = NEED_WAKEUP;
  queue.send(4096, 60);
  expect(seen()).toEqual([1, 0]);
});
