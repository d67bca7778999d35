// A fault of ours that a frame meets: the frame is dropped, told and counted, and the initiator goes on. Without
// `onFault` it is thrown, so that no test misses one.

import { expect, test } from "bun:test";

import { Command, OK } from "./command.ts";
import { Scripted } from "../../testing/doubles/scripted_peer.ts";
import { READ } from "./operation.ts";

function read(lba: number, done: (ended: Command) => void): Command {
  const bytes = new Uint8Array(512);
  const command = new Command();
  command.operation = READ;
  command.lba = lba;
  command.sectors = 1;
  command.memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
  command.done = done;
  return command;
}

test("a fault that an answer meets costs its frame alone", () => {
  const told: string[] = [];
  const peer = new Scripted({
    options: {
      onFault: (error) => {
        told.push((error as Error).message);
      },
    },
  });
  const device = peer.find();
  let ended = 0;
  for (let lba = 0; lba < 20; lba++) {
    const command = read(lba, ({ outcome }) => {
      expect(outcome).toBe(OK);
      ended++;
      if (lba % 2 === 0) throw new Error(`fault at ${lba}`);
    });
    device.submit(command);
  }
  peer.run(() => ended === 20, 60e9);
  expect(ended).toBe(20);
  expect(told).toEqual(Array.from({ length: 10 }, (_, n) => `fault at ${2 * n}`));
  expect(peer.initiator.ports[0]?.state.ignored.faults).toBe(10);
  expect([device.pending, device.outstanding]).toEqual([0, 0]);
});

test("thrown where nobody is told", () => {
  const peer = new Scripted();
  const device = peer.find();
  device.submit(
    read(0, () => {
      throw new Error("fault");
    }),
  );
  expect(() => peer.runFor(1e9)).toThrow("fault");
});
