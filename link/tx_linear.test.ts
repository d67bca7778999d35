// The two sockets of a packet link against fakes: which one a frame leaves by, and what follows where the kernel has
// no memory in one piece.

import { expect, test } from "bun:test";

import { EAGAIN, ENOBUFS, ENOMEM } from "../sys/errno.ts";
import { LEAST_LINEAR, MOST_LINEAR } from "../sys/linear_sender.ts";
import { DETOUR, type FrameSender, sendBySize } from "./tx_linear.ts";

/** Says `code()`; `frames` has the length of each frame. */
function fake(code: () => number = () => 0): FrameSender & { frames: number[] } {
  const frames: number[] = [];
  return {
    frames,
    send(_, length) {
      frames.push(length);
      return code();
    },
    sendBoth(_, length, __, bytes) {
      frames.push(length + bytes);
      return code();
    },
  };
}

test("frames between the two limits leave by the linear one, from one place and from two", () => {
  const [ordinary, linear] = [fake(), fake()];
  const sender = sendBySize(ordinary, linear);
  for (const length of [60, LEAST_LINEAR - 1, LEAST_LINEAR, MOST_LINEAR, MOST_LINEAR + 1]) {
    expect(sender.send(1, length)).toBe(0);
    expect(sender.sendBoth(1, 36, 2, length - 36)).toBe(0);
  }
  const twice = (lengths: number[]) => lengths.flatMap((length) => [length, length]);
  expect(ordinary.frames).toEqual(twice([60, LEAST_LINEAR - 1, MOST_LINEAR + 1]));
  expect(linear.frames).toEqual(twice([LEAST_LINEAR, MOST_LINEAR]));
});

test("without memory in one piece a frame leaves by the ordinary socket, and so do the next ones for a while", () => {
  for (const [refusal, both] of [
    [ENOBUFS, false],
    [ENOMEM, true],
  ] as const) {
    let code: number = refusal;
    const [ordinary, linear] = [fake(), fake(() => code)];
    const sender = sendBySize(ordinary, linear);
    const send = () => (both ? sender.sendBoth(1, 36, 2, 8192) : sender.send(1, 8228));
    expect(send()).toBe(0);
    expect([linear.frames.length, ordinary.frames.length]).toEqual([1, 1]);
    code = 0;
    for (let frame = 0; frame < DETOUR; frame++) send();
    expect([linear.frames.length, ordinary.frames.length]).toEqual([1, 1 + DETOUR]);
    send();
    expect([linear.frames.length, ordinary.frames.length]).toEqual([2, 1 + DETOUR]);
  }
});

test("where both refuse a frame it was no lack of memory: the next one is tried in one piece", () => {
  for (const both of [false, true]) {
    let code: number = ENOBUFS;
    const [ordinary, linear] = [fake(() => code), fake(() => code)];
    const sender = sendBySize(ordinary, linear);
    const send = () => (both ? sender.sendBoth(1, 36, 2, 8192) : sender.send(1, 8228));
    expect(send()).toBe(ENOBUFS);
    code = 0;
    expect(send()).toBe(0);
    expect([linear.frames.length, ordinary.frames.length]).toEqual([2, 1]);
  }
});

test("a queue that is full is told, not gone round", () => {
  const [ordinary, linear] = [fake(), fake(() => EAGAIN)];
  expect(sendBySize(ordinary, linear).send(1, 8228)).toBe(EAGAIN);
  expect(ordinary.frames).toEqual([]);
});

test("without a linear one the ordinary one sends all", () => {
  const ordinary = fake();
  expect(sendBySize(ordinary, null).send(1, 8228)).toBe(0);
  expect(ordinary.frames).toEqual([8228]);
});
