// When the gate of AF_XDP is open, over dependencies that the test makes clear or not. The real ones are tested in
// packet_xdp.test.ts.

import { expect, test } from "bun:test";

import type { XdpSender } from "../sys/xdp_socket.ts";
import { createXdpGate, LOOK_EVERY, REST } from "./xdp_gate.ts";

function bed(clear: boolean) {
  const seen = { clear, asked: [] as boolean[], opened: 0, closed: 0, refuses: false, out: 1 };
  const sender = {
    close() {
      seen.closed++;
    },
  } as XdpSender;
  const gate = createXdpGate({
    open() {
      if (seen.refuses) return null;
      seen.opened++;
      return sender;
    },
    isClear(changed) {
      seen.asked.push(changed);
      return seen.clear;
    },
    move(to) {
      seen.out = to;
    },
    close() {},
  });
  return { seen, gate, isOpen: () => gate.sender === sender };
}

test("it is open with its link where that is clear, and no socket is opened where it is not", () => {
  const clear = bed(true);
  expect([clear.isOpen(), clear.seen.opened]).toEqual([true, 1]);
  const taken = bed(false);
  expect([taken.isOpen(), taken.seen.opened]).toEqual([false, 0]);
  taken.seen.clear = true;
  taken.gate.look(0, false);
  expect([taken.isOpen(), taken.seen.opened]).toEqual([true, 1]);
});

test("it is looked at ten times a second, and a change closes it at once", () => {
  const { seen, gate, isOpen } = bed(true);
  gate.look(0, false);
  seen.clear = false;
  gate.look(LOOK_EVERY - 1, false);
  expect(isOpen()).toBe(true);
  gate.look(LOOK_EVERY, false);
  expect(isOpen()).toBe(false);
  seen.clear = true;
  gate.look(2 * LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
  gate.look(2 * LOOK_EVERY + 1, true);
  gate.look(2 * LOOK_EVERY + 2, false);
  expect(isOpen()).toBe(false);
  gate.look(3 * LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
  // What has changed is asked once, at the first look that is due; the socket is the same all along.
  expect(seen).toMatchObject({ asked: [true, false, false, false, true], opened: 1, closed: 0 });
});

test("one that broke is closed at once and rests for a second", () => {
  const { seen, gate, isOpen } = bed(true);
  gate.look(0, false);
  gate.drop();
  expect([isOpen(), seen.closed]).toEqual([false, 1]);
  gate.look(LOOK_EVERY, false);
  gate.look(LOOK_EVERY + REST - 1, false);
  expect([isOpen(), seen.opened]).toEqual([false, 1]);
  gate.look(LOOK_EVERY + REST, false);
  expect([isOpen(), seen.opened]).toEqual([true, 2]);
  gate.close();
  expect([isOpen(), seen.closed]).toEqual([false, 2]);
});

test("a socket that is refused is asked for again", () => {
  const { seen, gate, isOpen } = bed(false);
  seen.clear = seen.refuses = true;
  gate.look(0, false);
  expect(isOpen()).toBe(false);
  seen.refuses = false;
  gate.look(LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
});

test("out of another interface it is opened again, once that was looked at", () => {
  const { seen, gate, isOpen } = bed(true);
  gate.look(0, false);
  gate.move(7);
  expect([isOpen(), seen.closed, seen.out]).toEqual([false, 1, 7]);
  gate.look(LOOK_EVERY, false);
  gate.look(LOOK_EVERY + REST, false);
  expect([isOpen(), seen.opened, seen.asked.at(-1)]).toEqual([true, 2, true]);
});
