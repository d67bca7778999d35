// Another disk at the address of a device that is in use, and the same disk with another size.

import { describe, expect, test } from "bun:test";

import { BROADCAST } from "../../wire/mac.ts";
import { type Command, OK, OTHER_DISK } from "./command.ts";
import { DeviceError } from "./describe.ts";
import type { Device } from "./device.ts";
import {
  MAJOR,
  makeCommand,
  MINOR,
  Scripted,
  type Seen,
  type ScriptedOptions,
} from "../../testing/doubles/scripted_peer.ts";
import * as ata from "../../wire/ata.ts";
import { READ, WRITE } from "./operation.ts";

const MS = 1e6;
const S = 1e9;

interface Client {
  readonly peer: Scripted;
  readonly device: Device;
  readonly notices: string[];
  readonly announce: () => void;
}

/** A device that has carried out a write. */
function connected(options: ScriptedOptions = {}): Client {
  const peer = new Scripted(options);
  const notices: string[] = [];
  peer.initiator.onNotice = (sentence) => notices.push(sentence);
  const device = peer.find();
  perform(peer, device, makeCommand(WRITE, 0, 2));
  peer.seen.length = 0;
  const announce = (): void => {
    peer.announce();
    peer.runFor(1000);
  };
  return { peer, device, notices, announce };
}

function perform(peer: Scripted, device: Device, command: Command): number {
  device.submit(command);
  expect(peer.run(() => !command.busy, 30 * S)).toBe(true);
  return command.outcome;
}

/** How the client may learn of it, or not. */
const OCCASIONS = [
  ["an announcement", ({ announce }: Client): void => announce()],
  [
    "a gap in what is heard",
    ({ peer }: Client): void => {
      peer.alive = false;
      peer.runFor(2 * S);
      peer.alive = true;
    },
  ],
] as const;

describe.each(OCCASIONS)("after %s", (_name, happen) => {
  test("another disk gets nothing: what is asked of the device ends, and one sentence says so", () => {
    const client = connected();
    const { peer, device, notices } = client;
    peer.serial = "another";
    happen(client);
    const before = peer.image.slice();
    const commands = [makeCommand(WRITE, 0, 8), makeCommand(READ, 0, 2), makeCommand(WRITE, 16, 1)];
    for (const command of commands) command.memory?.bytes.fill(0xee);
    expect(commands.map((command) => perform(peer, device, command))).toEqual([
      OTHER_DISK,
      OTHER_DISK,
      OTHER_DISK,
    ]);
    expect(peer.image).toEqual(before);
    expect(peer.asked.every(([, opcode]) => opcode === ata.IDENTIFY)).toBe(true);
    expect(notices).toEqual([
      "e7.3 is another disk now (serial another, 1024 sectors, before: serial scripted, 1024 sectors): requests to the disk before have ended",
    ]);
    expect(new DeviceError(device, commands[0] as Command)).toMatchObject({
      kind: "replaced",
      message: "e7.3 can't write sectors 0 to 7: another disk answers at its address now",
    });
  });

  test("so it is where only the model differs", () => {
    const client = connected();
    client.peer.model = "another";
    happen(client);
    expect(perform(client.peer, client.device, makeCommand(WRITE, 0, 2))).toBe(OTHER_DISK);
  });

  test("the same disk is asked who it is, once, before the next command", () => {
    const client = connected();
    const { peer, device, notices } = client;
    happen(client);
    expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OK);
    expect(perform(peer, device, makeCommand(WRITE, 2, 2))).toBe(OK);
    expect(peer.asked.map(([, opcode]) => opcode)).toEqual([
      ata.IDENTIFY,
      ata.WRITE_EXT,
      ata.WRITE_EXT,
    ]);
    expect(notices).toEqual([]);
  });
});

test("a target that never ends the first IDENTIFY and drops its copies (P28) is proved under another tag", () => {
  const { peer, device, announce } = connected({ options: { timeout: 60 * S } });
  const { asked } = withoutFirstIdentify(peer, 1);
  announce();
  const began = peer.clock.now();
  expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OK);
  expect(peer.clock.now() - began).toBeLessThan(1 * S);
  // A lost frame is no reason for another tag: that is one more request for the target.
  expect(new Set(asked.slice(0, 4)).size).toBe(1);
  expect(new Set(asked).size).toBe(2);
});

test("an answer to IDENTIFY that takes longer than four questions is heard", () => {
  const { peer, device, announce } = connected({ options: { timeout: 60 * S } });
  withoutFirstIdentify(peer, 0, 5 * S);
  announce();
  expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OK);
});

/** The first `hung` requests for IDENTIFY are never answered, the others in `delay` ns, and copies of all are dropped. */
function withoutFirstIdentify(peer: Scripted, hung: number, delay = 0): { asked: number[] } {
  const asked: number[] = [];
  const answer = peer.answer.bind(peer);
  peer.answer = (request, twist) => {
    if (request.opcode !== ata.IDENTIFY) return answer(request, twist);
    const isCopy = asked.includes(request.tag);
    asked.push(request.tag);
    if (!isCopy && new Set(asked).size > hung) answer(request, { ...twist, delay });
  };
  return { asked };
}

test("what is in the queue at that moment ends too, and so does what is asked for ever after", () => {
  const { peer, device, announce } = connected({ bufferCount: 2 });
  peer.script = () => {};
  let ends = 0;
  const commands = Array.from({ length: 20 }, (_, index) => makeCommand(WRITE, 4 * index, 4));
  for (const command of commands) {
    // A caller that asks again as soon as it is answered must not stop the loop.
    command.done = (ended) => {
      if (ends++ < 100) device.submit(ended);
    };
    device.submit(command);
  }
  peer.runFor(MS);
  peer.serial = "another";
  announce();
  peer.runFor(S);
  expect(commands.every(({ busy, outcome }) => !busy && outcome === OTHER_DISK)).toBe(true);
  expect(ends).toBe(120);
  expect(device.pending).toBe(0);
});

test("commands of a device that is another disk end within milliseconds, however many come", () => {
  const { peer, device, announce } = connected();
  peer.serial = "another";
  announce();
  const first = makeCommand(READ, 0, 1);
  device.submit(first);
  for (let count = 0; count < 8; count++) {
    peer.runFor(0.5 * MS);
    device.submit(makeCommand(READ, 0, 1));
  }
  expect(first.busy).toBe(false);
});

/** Answers IDENTIFY after `delay` ns, with what the peer is at the time of the question. */
function slowIdentify(peer: Scripted, delay: number): void {
  const answer = peer.answer.bind(peer);
  peer.answer = (request, twist) =>
    answer(request, request.opcode === ata.IDENTIFY ? { ...twist, delay } : twist);
}

test("an answer that was under way when the target announced itself does not stand for who it is", () => {
  const { peer, device, announce } = connected();
  slowIdentify(peer, 10 * MS);
  peer.script = (request) => peer.answer(request, { delay: 0.5 * MS });
  const before = makeCommand(READ, 0, 1);
  device.submit(before);
  peer.runFor(1e4);
  announce();
  peer.run(() => !before.busy);
  const start = peer.clock.now();
  const next = makeCommand(READ, 0, 1);
  expect(perform(peer, device, next)).toBe(OK);
  expect(next.sentAt - start).toBeGreaterThan(9 * MS);
});

test("an announcement while the one before is looked into is looked into as well", () => {
  const { peer, device, announce } = connected();
  slowIdentify(peer, 10 * MS);
  announce();
  peer.runFor(5 * MS);
  peer.serial = "another";
  announce();
  peer.runFor(6 * MS);
  expect(device.gone).toBe(false);
  peer.runFor(200 * MS);
  expect(device.gone).toBe(true);
});

test("a silence that ends with a config answer is a silence", () => {
  const { peer, device } = connected();
  peer.alive = false;
  peer.runFor(2 * S);
  peer.alive = true;
  peer.serial = "another";
  peer.initiator.discover();
  peer.runFor(MS);
  expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OTHER_DISK);
});

test("the address is free for the new disk, which is a device of its own", () => {
  const { peer, device, announce } = connected();
  const events: string[] = [];
  peer.initiator.onEvent = (which, event) => events.push(`${which === device} ${event}`);
  peer.serial = "another";
  announce();
  peer.runFor(MS);
  expect(peer.initiator.device({ major: MAJOR, minor: MINOR })).toBeUndefined();
  const next = peer.find();
  expect(events).toEqual(["true replaced", "false found", "false identified"]);
  expect(peer.initiator.devices).toEqual([next]);
  expect(perform(peer, next, makeCommand(WRITE, 0, 2))).toBe(OK);
  expect(peer.initiator.close()).toBe(true);
});

describe("one flipped bit of an IDENTIFY sector", () => {
  /** Answers the next IDENTIFY with one bit of the serial number flipped, so many times. */
  function flipOnce(peer: Scripted, copies: number): void {
    const { serial } = peer;
    peer.serial = `${String.fromCharCode(serial.charCodeAt(0) ^ 1)}${serial.slice(1)}`;
    const answer = peer.answer.bind(peer);
    peer.answer = (request, twist) => {
      for (let copy = 0; copy < copies; copy++) answer(request, twist);
      peer.serial = serial;
      peer.answer = answer;
    };
  }

  test.each([1, 2])("is no other disk: what is news is asked for twice (%d copies)", (copies) => {
    const { peer, device, announce, notices } = connected();
    flipOnce(peer, copies);
    announce();
    expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OK);
    expect([device.identity?.serial, notices]).toEqual(["scripted", []]);
  });

  test("nor is it the first time, where the checksum tells", () => {
    const peer = new Scripted();
    const answer = peer.answer.bind(peer);
    let flipped = 0;
    peer.answer = (request, twist) => {
      answer(request, twist);
      const { bytes } = peer.lastParcel;
      if (request.opcode !== ata.IDENTIFY || flipped++ > 0) return;
      const at = ata.LENGTH + 20;
      bytes[at] = (bytes[at] as number) ^ 1;
    };
    expect(peer.find().identity?.serial).toBe("scripted");
    expect(flipped).toBe(2);
  });
});

describe("the same disk with another size", () => {
  test("announced: resized, and said", () => {
    const { peer, device, notices, announce } = connected();
    const events: string[] = [];
    peer.initiator.onEvent = (_which, event) => events.push(event);
    peer.sectors = 4096;
    announce();
    expect(perform(peer, device, makeCommand(READ, 0, 2))).toBe(OK);
    expect(device.sectors).toBe(4096);
    expect(events).toEqual(["resized"]);
    expect(notices).toEqual(["e7.3 has 4096 sectors now, and had 1024: it was resized"]);
  });

  test("not announced: another disk", () => {
    const client = connected();
    client.peer.sectors = 4096;
    OCCASIONS[1][1](client);
    expect(perform(client.peer, client.device, makeCommand(READ, 0, 2))).toBe(OTHER_DISK);
  });
});

test("a slow target is not asked again for its answers, which come after more than a second", () => {
  const { peer, device } = connected();
  peer.script = (request) => {
    if (!peer.seen.some((other) => other.tag === request.tag && other !== request)) {
      peer.answer(request, { delay: 4 * S });
    }
  };
  const start = peer.clock.now();
  for (let lba = 0; lba < 5; lba++) {
    const read = makeCommand(READ, lba, 1);
    perform(peer, device, read);
    // While it is silent it is asked, but after its answer the next command goes at once.
    expect(read.sentAt).toBe(read.submittedAt);
  }
  expect(peer.clock.now() - start).toBe(20 * S);
});

test("a target that announces itself without end is asked ten times a second, and serves meanwhile", () => {
  const { peer, device, announce } = connected();
  let ended = 0;
  const read = makeCommand(READ, 0, 2);
  read.done = () => {
    ended++;
    device.submit(read);
  };
  peer.script = (request) => peer.answer(request, { delay: MS });
  device.submit(read);
  for (let ms = 0; ms < 1000; ms++) {
    announce();
    peer.runFor(MS);
  }
  expect(peer.asked.filter(([, opcode]) => opcode === ata.IDENTIFY).length).toBeLessThan(25);
  expect(ended).toBeGreaterThan(800);
});

test("an announcement of version 0, as vblade's, is heard as far as that goes", () => {
  const { peer, device, notices } = connected();
  peer.initiator.discover();
  peer.runFor(MS);
  const asked = peer.seen[0] as Seen;
  peer.serial = "another";
  peer.answerConfig(asked, { tag: 0, version: 0, destination: BROADCAST });
  peer.runFor(1000);
  expect(perform(peer, device, makeCommand(WRITE, 0, 2))).toBe(OTHER_DISK);
  expect(notices.length).toBe(1);
});
