// Gathering frames for AF_XDP against fakes: which path a frame takes, in which order, and what follows where
// AF_XDP refuses. The real socket is tested in packet_xdp.test.ts.

import { expect, test } from "bun:test";

import { EAGAIN, EBUSY, ENETDOWN } from "../sys/errno.ts";
import { XDP_SLOT_BYTES, XDP_SLOTS, type XdpSender } from "../sys/xdp_socket.ts";
import { GATHERED, type GatheringSender, MOST_BY_XDP, sendByXdp } from "./tx_xdp.ts";

interface Kick {
  readonly code: number;
  readonly dropped?: number;
  readonly broken?: boolean;
}

/** Both paths write what leaves to `wire`: `x60`, `x61` by AF_XDP, `s60` by the sender beneath. */
function bed() {
  const wire: string[] = [];
  const lost: string[] = [];
  /** What the next kicks say. */
  const kicks: Kick[] = [];
  let code = 0;
  /** Beneath, frames wait for room. */
  const stuck = { count: 0, flushes: 0 };
  const beneath: GatheringSender & { readonly waiting: number } = {
    get waiting() {
      return stuck.count;
    },
    flush() {
      stuck.flushes++;
    },
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
  /** Frames that the device holds. */
  const held = { count: 0 };
  let dropped = 0;
  let broken = false;
  const xdp: XdpSender = {
    get waiting() {
      return waiting.length;
    },
    get broken() {
      return broken;
    },
    get hasRoom() {
      return waiting.length + held.count < XDP_SLOTS;
    },
    put(_, length) {
      waiting.push(length);
    },
    kick() {
      const kick = kicks.shift() ?? { code: 0 };
      dropped = kick.dropped ?? 0;
      broken = kick.broken ?? false;
      if (broken) waiting.splice(0, dropped);
      if (kick.code === 0) {
        for (const length of waiting.splice(0).slice(dropped)) wire.push(`x${length}`);
      }
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
  let drops = 0;
  const gate = {
    sender: xdp as XdpSender | null,
    drop() {
      drops++;
      gate.sender = null;
    },
  };
  const sender = sendByXdp(beneath, gate, (frames, why) => lost.push(`${frames}: ${why}`));
  const refuse = (refusal: number) => {
    code = refusal;
  };
  return { wire, lost, gate, xdp, kicks, held, stuck, sender, refuse, drops: () => drops };
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

test("frames leave in their order, whichever path they take", () => {
  const { wire, gate, xdp, sender } = bed();
  sender.send(1, 60);
  sender.send(1, MOST_BY_XDP + 1);
  sender.send(1, 61);
  sender.sendBoth(1, 36, 2, 512);
  sender.send(1, 62);
  gate.sender = null;
  sender.send(1, 63);
  sender.flush();
  gate.sender = xdp;
  sender.send(1, 64);
  sender.flush();
  expect(wire).toEqual(["x60", "s1101", "x61", "s36+512", "x62", "s63", "x64"]);
});

test("a frame that is small enough fits a slot, and as many as are gathered all slots", () => {
  expect(MOST_BY_XDP).toBeLessThanOrEqual(XDP_SLOT_BYTES);
  expect(GATHERED).toBeLessThanOrEqual(XDP_SLOTS);
});

test("while the device holds all slots, frames go by the sender beneath", () => {
  const { wire, held, sender } = bed();
  sender.send(1, 60);
  held.count = XDP_SLOTS - 1;
  sender.send(1, 61);
  held.count = XDP_SLOTS - 2;
  sender.send(1, 62);
  sender.flush();
  expect(wire).toEqual(["x60", "s61", "x62"]);
});

test("where the interface is down nothing was looked at: all go by the sender beneath, once", () => {
  const { wire, lost, kicks, sender, refuse, drops } = bed();
  kicks.push({ code: ENETDOWN }, { code: ENETDOWN });
  for (const length of [60, 61, 62]) sender.send(1, length);
  sender.flush();
  sender.flush();
  expect(wire).toEqual(["s60", "s61", "s62"]);
  refuse(ENETDOWN);
  for (const length of [63, 64]) expect(sender.send(1, length)).toBe(0);
  sender.flush();
  expect(lost).toEqual([`1: ${ENETDOWN}`, `1: ${ENETDOWN}`]);
  expect([wire.length, drops()]).toEqual([3, 0]);
});

test("what the device drops is told once", () => {
  const { wire, lost, kicks, sender } = bed();
  kicks.push({ code: 0, dropped: 2 });
  for (const length of [62, 63, 64]) sender.send(1, length);
  sender.flush();
  sender.flush();
  expect(lost).toEqual([`2: ${EBUSY}`]);
  expect(wire).toEqual(["x64"]);
});

test("a kick that is not over breaks the sender: what may not have left is lost, and never sent later", () => {
  const { wire, lost, kicks, sender, drops } = bed();
  kicks.push({ code: EAGAIN, dropped: 1, broken: true });
  for (const length of [60, 61, 62]) sender.send(1, length);
  sender.flush();
  expect(lost).toEqual([`1: ${EBUSY}`, `2: ${EAGAIN}`]);
  expect(drops()).toBe(1);
  sender.send(1, 63);
  sender.flush();
  expect(wire).toEqual(["s63"]);
});

test("a refusal of the sender beneath is the caller's where the frame is his", () => {
  const { sender, gate, refuse } = bed();
  gate.sender = null;
  refuse(EAGAIN);
  expect([sender.send(1, 60), sender.send(1, 2000)]).toEqual([EAGAIN, EAGAIN]);
});

test("nothing overtakes what waits beneath", () => {
  const { wire, stuck, sender } = bed();
  stuck.count = 1;
  sender.send(1, 60);
  sender.flush();
  expect([wire, stuck.flushes > 0]).toEqual([["s60"], true]);
  stuck.count = 0;
  sender.send(1, 61);
  sender.flush();
  expect(wire).toEqual(["s60", "x61"]);
});
