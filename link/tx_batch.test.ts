// Batches against a fake kernel: what is gathered, in which order it leaves, and what a refusal in
// the middle costs. Real sockets stand in packet.test.ts.

import { describe, expect, test } from "bun:test";

import { EAGAIN, EFAULT, EMSGSIZE, ENOBUFS } from "../sys/errno.ts";
import { BATCH_FRAMES, type FrameBatch } from "../sys/frame_batch.ts";
import { MOST_COPIED, sendInBatches, TAKEN } from "./tx_batch.ts";

const [ORDINARY, LINEAR] = [3, 4];
const LARGE = 5000;

/** On `wire`: `b60` in a batch by the ordinary socket, `B8228` by the linear one, `s60` alone. */
function bed() {
  const wire: string[] = [];
  const lost: number[] = [];
  const state = { more: true, at: 1e12, kept: 0, left: 0 };
  /** What the kernel says to frames of this length. */
  const refused = new Map<number, number>();
  const frames: { length: number; both: boolean }[] = [];
  const batch: FrameBatch = {
    get waiting() {
      return frames.length;
    },
    put: (_, __, length) => frames.push({ length, both: false }),
    putBoth: (_, __, length, ___, bytes) => frames.push({ length: length + bytes, both: true }),
    go(fd) {
      let sent = 0;
      while (frames[0] !== undefined && !refused.has(frames[0].length)) {
        wire.push(`${fd === LINEAR ? "B" : "b"}${frames.shift()?.length}`);
        sent++;
      }
      return sent;
    },
    first: 1,
    get firstLength() {
      return frames[0]?.length ?? 0;
    },
    second: 0,
    secondLength: 0,
    skip: () => frames.shift(),
    keep: () => state.kept++,
    close() {},
  };
  const alone = (length: number): number => {
    const code = refused.get(length) ?? 0;
    if (code === 0) wire.push(`s${length}`);
    return code;
  };
  const sender = sendInBatches(
    {
      isLarge: (length) => length >= LARGE,
      send: (_, length) => alone(length),
      sendBoth: (_, length, __, bytes) => alone(length + bytes),
    },
    {
      batch,
      ordinary: ORDINARY,
      linear: LINEAR,
      now: () => state.at,
      more: () => state.more,
      isLater: (code) => code === ENOBUFS || code === EAGAIN,
      left: (count) => (state.left += count),
      lost: (code) => lost.push(code),
    },
  );
  return { wire, lost, state, refused, sender };
}

describe("what is gathered", () => {
  test("while no other request waits a frame leaves at once, alone", () => {
    const { wire, state, sender } = bed();
    state.more = false;
    expect([sender.send(1, 60), sender.sendBoth(1, 36, 2, 1024)]).toEqual([0, 0]);
    expect(wire).toEqual(["s60", "s1060"]);
  });

  test("frames wait while more requests do, and leave with the answer to the last", () => {
    const { wire, state, sender } = bed();
    expect([sender.send(1, 60), sender.sendBoth(1, 36, 2, 1024)]).toEqual([TAKEN, TAKEN]);
    expect([wire.length, sender.waiting]).toEqual([0, 2]);
    state.more = false;
    expect(sender.send(1, 61)).toBe(TAKEN);
    expect(wire).toEqual(["b60", "b1060", "b61"]);
    expect([sender.waiting, state.left]).toEqual([0, 3]);
  });

  test("as many as fit leave, and what is left by a flush", () => {
    const { wire, sender } = bed();
    for (let frame = 0; frame < BATCH_FRAMES + 1; frame++) sender.send(1, 60);
    expect([wire.length, sender.waiting]).toEqual([BATCH_FRAMES, 1]);
    sender.flush();
    sender.flush();
    expect([wire.length, sender.waiting]).toEqual([BATCH_FRAMES + 1, 0]);
  });

  test("frames leave in their order, whichever socket and way they take", () => {
    const { wire, sender } = bed();
    sender.send(1, 60);
    sender.sendBoth(1, 36, 2, 8192);
    sender.sendBoth(1, 36, 2, 512);
    sender.send(1, MOST_COPIED + 1);
    sender.send(1, 61);
    sender.sendBoth(1, 36, 2, 16_384);
    expect(wire).toEqual(["b60", "B8228", "b548", `s${MOST_COPIED + 1}`, "b61", "s16420"]);
  });
});

describe("what the kernel refuses", () => {
  test("an error in the middle of a batch costs its own frame", () => {
    const { wire, lost, refused, sender } = bed();
    refused.set(62, EMSGSIZE);
    for (let length = 60; length < 65; length++) sender.send(1, length);
    sender.flush();
    expect(wire).toEqual(["b60", "b61", "b63", "b64"]);
    expect(lost).toEqual([EMSGSIZE]);
  });

  test("no room holds up those behind it, takes nothing more, and is tried again in time", () => {
    const { wire, lost, state, refused, sender } = bed();
    refused.set(61, ENOBUFS);
    for (let length = 60; length < 63; length++) sender.send(1, length);
    sender.flush();
    expect([wire, sender.waiting, state.kept]).toEqual([["b60"], 2, 1]);
    expect(sender.againAt).toBeGreaterThan(state.at);
    state.more = false;
    expect([sender.send(1, 63), sender.sendBoth(1, 36, 2, 512)]).toEqual([EAGAIN, EAGAIN]);
    refused.clear();
    sender.flush();
    expect(wire).toEqual(["b60"]);
    state.at = sender.againAt;
    sender.flush();
    expect(wire).toEqual(["b60", "b61", "b62"]);
    expect([sender.againAt, sender.send(1, 63)]).toEqual([Infinity, 0]);
    expect(lost).toEqual([]);
  });

  test("what waits is lost where its interface goes", () => {
    const { wire, lost, state, refused, sender } = bed();
    refused.set(60, ENOBUFS);
    sender.send(1, 60);
    sender.send(1, 61);
    sender.flush();
    sender.drop(EMSGSIZE);
    expect([lost, wire, sender.waiting, sender.againAt]).toEqual([
      [EMSGSIZE, EMSGSIZE],
      [],
      0,
      Infinity,
    ]);
    state.more = false;
    expect(sender.send(1, 62)).toBe(0);
  });

  test("bytes that can't be read cost one frame; then whoever asks again is told at once", () => {
    const { wire, lost, state, refused, sender } = bed();
    refused.set(1060, EFAULT);
    sender.sendBoth(1, 36, 2, 1024);
    sender.send(1, 61);
    sender.flush();
    expect([lost, wire]).toEqual([[EFAULT], ["b61"]]);
    expect(sender.sendBoth(1, 36, 2, 1024)).toBe(EFAULT);
    expect(lost).toEqual([EFAULT]);
    state.at += 60e9;
    expect(sender.sendBoth(1, 36, 2, 1024)).toBe(TAKEN);
  });
});
