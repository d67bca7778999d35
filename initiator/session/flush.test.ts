// What a flush comes to at targets that carry it out, abort it, don't know it, don't answer it, or answer nothing.

import { describe, expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import type { Command } from "../protocol/command.ts";
import type { Device } from "../protocol/device.ts";
import { makeDurable, type Performer, tryFlush } from "./flush.ts";
import { Scripted } from "../../testing/doubles/scripted_peer.ts";

function world(script: (peer: Scripted) => void, writeCache = true) {
  const peer = new Scripted();
  peer.writeCache = writeCache;
  const device = peer.find();
  script(peer);
  const session: Performer = {
    async perform(to: Device, command: Command): Promise<Command> {
      to.submit(command);
      peer.run(() => !command.busy);
      return command;
    },
  };
  return { session, device };
}

const ABORTS = (peer: Scripted): void => {
  peer.script = (frame) => peer.answer(frame, { status: 0x41, ataError: ata.ERROR_ABRT });
};
const UNKNOWN = (peer: Scripted): void => {
  peer.script = (frame) => peer.answer(frame, { flags: 0x0c, error: 1 });
};
const SILENT = (peer: Scripted): void => {
  peer.script = (frame) => {
    const isFlush = frame.opcode === ata.FLUSH || frame.opcode === ata.FLUSH_EXT;
    if (!isFlush) peer.answer(frame);
  };
};
const DEAD = (peer: Scripted): void => {
  peer.alive = false;
};

const WHY: readonly (readonly [string, (peer: Scripted) => void, RegExp])[] = [
  [
    "aborts it",
    ABORTS,
    /^e7\.3 can't flush: the target aborted it \(ATA status 0x41, error 0x04\)$/,
  ],
  ["does not know it", UNKNOWN, /^e7\.3 can't flush: the target does not know the command/],
  [
    "does not answer it, but everything else",
    SILENT,
    /^e7\.3 can't flush: no answer within 10 s \(\d+ frames sent\)$/,
  ],
];

test("a target that flushes is believed", async () => {
  const { session, device } = world(() => {});
  expect(await tryFlush(session, device)).toBeNull();
});

describe.each(WHY)("one that %s", (_, script, why) => {
  test("is one without, and why is said", async () => {
    const { session, device } = world(script);
    expect(await tryFlush(session, device)).toMatch(why);
  });

  test("keeps what was written where its write cache is off, and that is said", async () => {
    const { session, device } = world(script, false);
    expect(await makeDurable(session, device)).toEndWith(
      "; e7.3 says that its write cache is off, so what it has answered is durable without it",
    );
  });

  test("is a failure where its write cache is on, which says what is there", async () => {
    const { session, device } = world(script);
    await expect(makeDurable(session, device)).rejects.toThrow(
      /can't flush.*; all is written, and e7\.3 says that its write cache is on/,
    );
  });
});

test("one that answers nothing is a failure, whatever its write cache", async () => {
  const { session, device } = world(DEAD, false);
  await expect(tryFlush(session, device)).rejects.toThrow(
    "e7.3 can't flush: no answer within 10 s",
  );
  await expect(makeDurable(session, device)).rejects.toThrow("no answer within 10 s");
});
