// Answers that wait for room at the link: none behind them is sent before them.

import { expect, test } from "bun:test";

import type { Link } from "../../link/link.ts";
import { createProbe, MAJOR, pattern, readFrame, writeFrame } from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { STEP } from "./sweep.ts";

test("an announcement that waits behind answers without room does not keep the core due for ever", () => {
  const probe = createProbe();
  probe.network.congest(0, true);
  probe.send(readFrame(0, 1));
  probe.run(0);
  // The new MTU is to be announced, behind the answer that found no room.
  probe.network.setMtu(9000);
  // The virtual clock throws where a core stays due at one instant.
  probe.run(1e6);
  expect(probe.target.nextDeadline()).toBeGreaterThan(probe.clock.now());
  probe.network.congest(0, false);
  const commands = probe.run(1e6).map(({ aoe }) => aoe.command);
  // The answer, then an announcement by each of the two interfaces.
  expect(commands.filter((command) => command === 0)).toHaveLength(1);
  expect(commands.filter((command) => command === 1).length).toBeGreaterThanOrEqual(1);
});

test("no answer overtakes those that wait, by whatever way it would leave", () => {
  const probe = createProbe();
  const port = probe.target.ports[0];
  if (port === undefined) throw new Error("a probe has a port");
  // Reads of known pages could leave from where they are.
  const link: Link = port.link;
  let inPlace = 0;
  link.transmitBoth = (buffer, length, _, bytes) => {
    inPlace++;
    return link.transmit(buffer, length + bytes);
  };
  Object.assign(probe.store, { addressOf: (lba: number) => 1 + lba * 512 });
  expect(probe.ask(readFrame(0, 1, { tag: 1 }))).toHaveLength(1);
  expect(inPlace).toBe(1);
  probe.network.congest(0, true);
  probe.send(readFrame(0, 1, { tag: 2 }));
  probe.send(writeFrame(0, pattern(1, 1), { tag: 3 }));
  probe.run(0);
  expect(port.backlog.length).toBe(2);
  // There is room again, and the next requests come before the link is asked once more.
  probe.network.congest(0, false);
  probe.send(readFrame(0, 1, { tag: 4 }));
  probe.send(writeFrame(1, pattern(1, 2), { tag: 5 }));
  probe.send(readFrame(2, 2, { tag: 6 }));
  expect(probe.run(10e6).map(({ aoe }) => aoe.tag)).toEqual([2, 3, 4, 5, 6]);
  expect([port.backlog.length, probe.target.inHand, inPlace]).toEqual([0, 0, 2]);
  expect(probe.ask(readFrame(0, 1, { tag: 7 }))).toHaveLength(1);
  expect(inPlace).toBe(3);
});

test("announcements of many exports wait in steps, not all in the backlog", () => {
  const more = Array.from({ length: 150 }, (_, minor) => ({
    major: MAJOR + 1,
    minor,
    store: createMemoryStore(1),
  }));
  const probe = createProbe({ more });
  probe.run(1e9);
  const port = probe.target.ports[0];
  probe.network.congest(0, true);
  probe.network.setMtu(9000, 0);
  probe.run(1e9);
  expect(port?.backlog.length).toBe(STEP);
  probe.network.congest(0, false);
  expect(probe.run(1e9)).toHaveLength(151);
});

test("a link that has released a buffer is asked at once, however long it had no room", () => {
  const probe = createProbe();
  const port = probe.target.ports[0];
  probe.network.congest(0, true);
  probe.send(readFrame(0, 1, { tag: 1 }));
  probe.run(100e6);
  probe.network.congest(0, false);
  expect(probe.run(1e3)).toHaveLength(0);
  port?.reclaimed();
  expect(probe.run(0)).toHaveLength(1);
});
