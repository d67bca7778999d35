// Answers that wait for room at the link.

import { expect, test } from "bun:test";

import { createProbe, readFrame } from "./probe.ts";

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
