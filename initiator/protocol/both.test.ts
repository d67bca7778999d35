// The pool `both`: a command ends when its answer and its own buffer's release have both come.

import { expect, test } from "bun:test";

import { OK } from "./command.ts";
import { makeCommand, Scripted } from "../../testing/doubles/scripted_peer.ts";
import { READ } from "./operation.ts";

const US = 1e3;

test("each ends by the release of its own buffer, not by that of another", () => {
  const peer = new Scripted({ strategy: "both", reclaim: "delay:1ms" });
  const device = peer.find();
  const ends: number[] = [];
  const began = peer.clock.now();
  for (const at of [0, 400, 700]) {
    peer.runFor(at * US - (peer.clock.now() - began));
    const command = makeCommand(READ, at, 1);
    command.done = ({ outcome }) => {
      expect(outcome).toBe(OK);
      ends.push(peer.clock.now() - began);
    };
    device.submit(command);
  }
  peer.runFor(900 * US - (peer.clock.now() - began));
  // All are answered, which takes no time here, and none has ended.
  expect([ends, device.pending]).toEqual([[], 3]);
  peer.run(() => ends.length === 3);
  expect(ends).toEqual([1000 * US, 1400 * US, 1700 * US]);
});
