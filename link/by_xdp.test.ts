// Gathering frames for AF_XDP against fakes: which way a frame takes, in which order, and what follows where that
// way refuses. The real socket is tested in packet.test.ts.

import { expect, test } from "bun:test";

import { EAGAIN, EBUSY, ENETDOWN, ENOBUFS } from "../sys/errno.ts";
import type { XdpSender } from "../sys/xdp_socket.ts";
import type { FrameSender } from "./by_size.ts";
import { GATHERED, MOST_BY_XDP, sendByXdp } from "./by_xdp.ts";

/** Both ways write what leaves to `wire`: `x60`, `x61` by AF_XDP, `s60` by the sender beneath. */
function bed() {
  const wire: string[] = [];
  const lost: string[] = [];
  const way = { clear: true };
  /** What the next kicks say, how many frames they take first, and how many of those the device drops. */
  const kicks: { code: number; taken?: number; dropped?: number }[] = [];
  let code = 0;
  const beneath: FrameSender = {
    send(_, length) {
      if (code === 0) wire.push(`s${length}`);
      return code;
    },
    sendBoth(_, length, __, bytes) {
      wire.push(`s${length}+${bytes}`);
      return code;
    },
  };
  const waiting: number[] = [];
  let dropped = 0;
  const xdp: XdpSender = {
    get waiting() {
      return waiting.length;
    },
    put(_, length) {
      waiting.push(length);
    },
    kick() {
      const kick = kicks.shift() ?? { code: 0 };
      dropped = kick.dropped ?? 0;
      for (const length of waiting.splice(0, kick.taken ?? waiting.length)) wire.push(`x${length}`);
      return kick.code;
    },
    addressOf: (at) => at,
    lengthOf: (at) => waiting[at] ?? 0,
    forget() {
      waiting.length = 0;
    },
    takeDropped() {
      const since = dropped;
      dropped = 0;
      return since;
    },
    close() {},
  };
  const sender = sendByXdp(beneath, xdp, way, (frames, why) => lost.push(`${frames}: ${why}`));
  const refuse = (refusal: number) => {
    code = refusal;
  };
  return { wire, lost, way, kicks, sender, refuse };
}

test("small frames wait until there are enough, or for a flush", () => {
  const { wire, sender } = bed();
  for (let frame = 1; frame < GATHERED; frame++) expect(sender.send(1, 60)).toBe(0);
  expect(wire).toEqual([]);
  sender.send(1, MOST_BY_XDP);
  expect(wire).toEqual([...Array<string>(GATHERED - 1).fill("x60"), `x${MOST_BY_XDP}`]);
  wire.length = 0;
  sender.send(1, 61);
  sender.flush();
  sender.flush();
  expect(wire).toEqual(["x61"]);
});

test("frames leave in their order, whichever way they take", () => {
  const { wire, way, sender } = bed();
  sender.send(1, 60);
  sender.send(1, MOST_BY_XDP + 1);
  sender.send(1, 61);
  sender.sendBoth(1, 36, 2, 512);
  sender.send(1, 62);
  way.clear = false;
  sender.send(1, 63);
  sender.flush();
  way.clear = true;
  sender.send(1, 64);
  sender.flush();
  expect(wire).toEqual(["x60", "s1101", "x61", "s36+512", "x62", "s63", "x64"]);
});

test("what the kernel refuses to take goes by the sender beneath, once", () => {
  const { wire, lost, kicks, sender } = bed();
  kicks.push({ code: EAGAIN, taken: 1 });
  for (const length of [60, 61, 62]) sender.send(1, length);
  sender.flush();
  sender.flush();
  expect(wire).toEqual(["x60", "s61", "s62"]);
  expect(lost).toEqual([]);
});

test("what neither way takes is lost, and so is what the device drops; each is told once", () => {
  const { wire, lost, kicks, sender, refuse } = bed();
  kicks.push({ code: ENETDOWN, taken: 0 });
  refuse(ENOBUFS);
  for (const length of [60, 61]) expect(sender.send(1, length)).toBe(0);
  sender.flush();
  expect(lost).toEqual([`1: ${ENOBUFS}`, `1: ${ENOBUFS}`]);
  refuse(0);
  kicks.push({ code: 0, dropped: 2 });
  for (const length of [62, 63, 64]) sender.send(1, length);
  sender.flush();
  sender.flush();
  expect(lost.slice(2)).toEqual([`2: ${EBUSY}`]);
  expect(wire).toEqual(["x62", "x63", "x64"]);
});

test("a refusal of the sender beneath is the caller's where the frame is his", () => {
  const { sender, way, refuse } = bed();
  way.clear = false;
  refuse(EAGAIN);
  expect([sender.send(1, 60), sender.send(1, 2000)]).toEqual([EAGAIN, EAGAIN]);
});
