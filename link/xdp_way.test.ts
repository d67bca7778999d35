// When a way by AF_XDP is open, on ground that the test makes clear or not. The real ground is tested in
// packet_by_xdp.test.ts.

import { expect, test } from "bun:test";

import type { XdpSender } from "../sys/xdp_socket.ts";
import { createXdpWay, LOOK_EVERY, REST } from "./xdp_way.ts";

function bed(clear: boolean) {
  const seen = { clear, asked: [] as boolean[], opened: 0, closed: 0, refuses: false, out: 1 };
  const sender = {
    close() {
      seen.closed++;
    },
  } as XdpSender;
  const way = createXdpWay({
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
  return { seen, way, isOpen: () => way.sender === sender };
}

test("it is open with its link where that is clear, and no socket is opened where it is not", () => {
  const clear = bed(true);
  expect([clear.isOpen(), clear.seen.opened]).toEqual([true, 1]);
  const taken = bed(false);
  expect([taken.isOpen(), taken.seen.opened]).toEqual([false, 0]);
  taken.seen.clear = true;
  taken.way.look(0, false);
  expect([taken.isOpen(), taken.seen.opened]).toEqual([true, 1]);
});

test("it is looked at ten times a second, and a change closes it at once", () => {
  const { seen, way, isOpen } = bed(true);
  way.look(0, false);
  seen.clear = false;
  way.look(LOOK_EVERY - 1, false);
  expect(isOpen()).toBe(true);
  way.look(LOOK_EVERY, false);
  expect(isOpen()).toBe(false);
  seen.clear = true;
  way.look(2 * LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
  way.look(2 * LOOK_EVERY + 1, true);
  way.look(2 * LOOK_EVERY + 2, false);
  expect(isOpen()).toBe(false);
  way.look(3 * LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
  // What has changed is asked once, at the first look that is due; the socket is the same all along.
  expect(seen).toMatchObject({ asked: [true, false, false, false, true], opened: 1, closed: 0 });
});

test("one that broke is closed at once and rests for a second", () => {
  const { seen, way, isOpen } = bed(true);
  way.look(0, false);
  way.drop();
  expect([isOpen(), seen.closed]).toEqual([false, 1]);
  way.look(LOOK_EVERY, false);
  way.look(LOOK_EVERY + REST - 1, false);
  expect([isOpen(), seen.opened]).toEqual([false, 1]);
  way.look(LOOK_EVERY + REST, false);
  expect([isOpen(), seen.opened]).toEqual([true, 2]);
  way.close();
  expect([isOpen(), seen.closed]).toEqual([false, 2]);
});

test("a socket that is refused is asked for again", () => {
  const { seen, way, isOpen } = bed(false);
  seen.clear = seen.refuses = true;
  way.look(0, false);
  expect(isOpen()).toBe(false);
  seen.refuses = false;
  way.look(LOOK_EVERY, false);
  expect(isOpen()).toBe(true);
});

test("out of another interface it is opened anew, once that was looked at", () => {
  const { seen, way, isOpen } = bed(true);
  way.look(0, false);
  way.move(7);
  expect([isOpen(), seen.closed, seen.out]).toEqual([false, 1, 7]);
  way.look(LOOK_EVERY, false);
  way.look(LOOK_EVERY + REST, false);
  expect([isOpen(), seen.opened, seen.asked.at(-1)]).toEqual([true, 2, true]);
});
