import { expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import type { Command } from "../command.ts";
import type { Device } from "../device.ts";
import { Scripted } from "../scripted_peer.ts";
import { carriesOutFlush } from "./flush_probe.ts";

function world(script: (peer: Scripted) => void) {
  const peer = new Scripted();
  const device = peer.find();
  script(peer);
  const said: string[] = [];
  const session = {
    async perform(to: Device, command: Command): Promise<Command> {
      to.submit(command);
      peer.run(() => !command.busy);
      return command;
    },
  };
  return { said, answer: carriesOutFlush(session, device, (sentence) => said.push(sentence)) };
}

test("a target that flushes is believed", async () => {
  const { said, answer } = world(() => {});
  expect([await answer, said]).toEqual([true, []]);
});

test("one that aborts it is served without, and that is said", async () => {
  const { said, answer } = world((peer) => {
    peer.script = (frame) => peer.answer(frame, { status: 0x41, ataError: ata.ERROR_ABRT });
  });
  expect(await answer).toBe(false);
  expect(said).toEqual([
    "e7.3 can't flush: the target aborted it (ATA status 0x41, error 0x04); so clients are offered neither flush nor FUA",
  ]);
});

test("one that calls it unknown, too", async () => {
  const { answer } = world((peer) => {
    peer.script = (frame) => peer.answer(frame, { flags: 0x0c, error: 1 });
  });
  expect(await answer).toBe(false);
});

test("one that is silent is none to serve", async () => {
  const { answer } = world((peer) => {
    peer.script = () => {};
  });
  await expect(answer).rejects.toThrow("e7.3 can't flush: no answer within 10s");
});
