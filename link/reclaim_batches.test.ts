// The reclaim models that release in whole batches, whatever the time.

import { expect, test } from "bun:test";
import { createMemoryPair } from "./memory.ts";
import { createReclaim } from "./reclaim.ts";
import { parseReclaim } from "./reclaim_model.ts";
import { createVirtualClock } from "./virtual_clock.ts";

/** Sends one buffer after the other, ten seconds apart. Tells all pins after each send. */
function sendEach(model: string, count: number) {
  const clock = createVirtualClock();
  const [inner] = createMemoryPair({ clock });
  const link = createReclaim(inner, parseReclaim(model, "--reclaim"), clock);
  const buffers = Array.from({ length: count }, () => {
    const buffer = link.allocate(60);
    if (buffer === null) throw new Error("the link has memory");
    return buffer;
  });
  let reported = 0;
  const pins = buffers.map((buffer) => {
    expect(link.transmit(buffer, 60)).toBe(true);
    const end = clock.now() + 10e9;
    reported += link.reclaim();
    expect(link.nextDeadline()).toBe(Infinity);
    while (clock.now() < end) clock.wait(end);
    reported += link.reclaim();
    return buffers.map((each) => each.pins).join("");
  });
  return { pins, reported };
}

test("batch releases none below N, and all at N", () => {
  expect(sendEach("batch:3", 4)).toEqual({ pins: ["1000", "1100", "0000", "0001"], reported: 3 });
});

test("ring releases T of the oldest when a transmit finds fewer than T of N free", () => {
  expect(sendEach("ring:4/2", 6)).toEqual({
    pins: ["100000", "110000", "111000", "001100", "001110", "000011"],
    reported: 4,
  });
});

test("ring waits until a batch has gone out whole", () => {
  expect(sendEach("ring:3/3", 4).pins).toEqual(["1000", "1100", "1110", "0001"]);
});
