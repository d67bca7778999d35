// Answers that lie, and frames that are none.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { createRandom } from "../../words/random.ts";
import { type Command, OK } from "./command.ts";
import type { IgnoredFrames } from "./port.ts";
import {
  makeCommand,
  PEER_MAC,
  Scripted,
  type Seen,
  type Twist,
} from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const MS = 1e6;

interface Case {
  readonly name: string;
  readonly twist: Twist;
  readonly counted: keyof IgnoredFrames;
}

const LIES: readonly Case[] = [
  { name: "another shelf", twist: { major: 8 }, counted: "contradictory" },
  { name: "another slot", twist: { minor: 4 }, counted: "contradictory" },
  { name: "another command", twist: { aoeCommand: 2 }, counted: "contradictory" },
  { name: "a vendor command", twist: { aoeCommand: 0xf1 }, counted: "contradictory" },
  { name: "no such tag", twist: { tag: 0x8000_0000 }, counted: "unknownTag" },
  { name: "a tag of the kernel's half", twist: { tag: 5 }, counted: "unknownTag" },
  { name: "no response flag", twist: { flags: 0 }, counted: "requests" },
  { name: "version 2", twist: { version: 2 }, counted: "notForUs" },
  { name: "version 0", twist: { version: 0 }, counted: "notForUs" },
  {
    name: "a group address as source (P32)",
    twist: { source: 0x0100_0000_0001 },
    counted: "badSource",
  },
  { name: "zero as source (P32)", twist: { source: 0 }, counted: "badSource" },
  {
    name: "an address that is none of the device's",
    twist: { source: PEER_MAC + 77 },
    counted: "foreign",
  },
  { name: "for another host (P32)", twist: { destination: 0x0200_0000_0999 }, counted: "notForUs" },
  { name: "only an AoE header", twist: { length: 24 }, counted: "tooShort" },
  { name: "half an ATA header", twist: { length: 35 }, counted: "tooShort" },
  { name: "no data", twist: { length: 36 }, counted: "tooShort" },
  { name: "one byte too few (P22)", twist: { length: 36 + 1023 }, counted: "tooShort" },
  { name: "not even an AoE header", twist: { length: 23 }, counted: "tooShort" },
];

describe("what is no answer is counted and dropped, and the request goes again", () => {
  for (const { name, twist, counted } of LIES) {
    test(name, () => {
      const peer = new Scripted();
      const device = peer.find();
      const ignored = peer.initiator.ports[0]?.state.ignored as IgnoredFrames;
      const before = ignored[counted];
      let first = true;
      peer.script = (request) => {
        peer.answer(request, first ? twist : {});
        first = false;
      };
      const command = makeCommand(READ, 5, 2);
      command.memory?.bytes.fill(0xee);
      device.submit(command);
      peer.runFor(0.5 * MS);
      expect(ignored[counted]).toBe(before + 1);
      expect(command.busy).toBe(true);
      expect(command.memory?.bytes.every((byte) => byte === 0xee)).toBe(true);
      peer.run(() => !command.busy);
      expect([command.outcome, command.transmits]).toEqual([OK, 2]);
      expect(command.memory?.bytes).toEqual(peer.image.slice(5 * 512, 7 * 512));
    });
  }
});

test("a target that answers from a group address is told, once, since it can't be used", () => {
  const peer = new Scripted();
  const notices: string[] = [];
  peer.initiator.onNotice = (sentence) => notices.push(sentence);
  peer.mac = 0xffff_ffff_ffff;
  for (let round = 0; round < 5; round++) {
    peer.initiator.discover();
    peer.runFor(MS);
  }
  expect(peer.initiator.devices).toEqual([]);
  expect(peer.initiator.ports[0]?.state.ignored.badSource).toBe(5);
  expect(notices).toEqual([
    "e7.3 answers from ff:ff:ff:ff:ff:ff, the address of a group: such answers are dropped, so it can't be used",
  ]);
});

describe("P18: what an answer need not have", () => {
  const fine: readonly { name: string; twist: Twist }[] = [
    { name: "bytes behind the data", twist: { length: 36 + 1024 + 7 } },
    { name: "count 0, as vblade answers", twist: { count: 0 } },
    { name: "no LBA", twist: { lba: 0 } },
    { name: "the broadcast address as destination", twist: { destination: 0xffff_ffff_ffff } },
  ];
  for (const { name, twist } of fine) {
    test(name, () => {
      const peer = new Scripted();
      const device = peer.find();
      peer.script = (request) => peer.answer(request, twist);
      for (let lba = 1; lba < 101; lba++) {
        const command = makeCommand(READ, lba, 2);
        device.submit(command);
        peer.run(() => !command.busy);
        expect([command.outcome, command.transmits]).toEqual([OK, 1]);
        expect(command.memory?.bytes).toEqual(peer.image.slice(lba * 512, (lba + 2) * 512));
      }
    });
  }

  test("a write's answer may be longer than its headers", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.script = (request) => peer.answer(request, { length: 36 + 1024 });
    const command = makeCommand(WRITE, 5, 2);
    device.submit(command);
    peer.run(() => !command.busy);
    expect([command.outcome, command.transmits]).toEqual([OK, 1]);
  });
});

describe("a write that a flipped bit of its opcode has made a read", () => {
  /** Runs so many writes well, with answers as long as `bytes`. */
  function trained(bytes: number): { peer: Scripted; write: () => Command } {
    const peer = new Scripted();
    const device = peer.find();
    peer.script = (request) => peer.answer(request, { length: bytes });
    const write = (): Command => {
      const command = makeCommand(WRITE, 40, 2);
      device.submit(command);
      return command;
    };
    for (let count = 0; count < 20; count++) {
      const command = write();
      peer.run(() => !command.busy);
      expect([command.outcome, command.transmits]).toEqual([OK, 1]);
    }
    return { peer, write };
  }

  test("its success has data, is none, and the write goes again", () => {
    const { peer, write } = trained(60);
    let first = true;
    peer.script = (request) => {
      peer.answer(request, first ? { length: ata.LENGTH + 1024 } : {});
      first = false;
    };
    const command = write();
    peer.run(() => !command.busy);
    expect([command.outcome, command.transmits]).toEqual([OK, 2]);
    expect(peer.initiator.ports[0]?.state.ignored.contradictory).toBe(1);
  });

  test("a target whose answers to writes are always that long is believed", () => {
    const { peer } = trained(ata.LENGTH + 1024);
    expect(peer.initiator.ports[0]?.state.ignored.contradictory).toBe(0);
  });
});

describe("a target that always echoes", () => {
  function trusted(): { peer: Scripted; run: (twist: Twist) => Command } {
    const peer = new Scripted();
    const device = peer.find();
    for (let lba = 1; lba < 30; lba++) {
      const command = makeCommand(READ, lba, 2);
      device.submit(command);
      peer.run(() => !command.busy);
    }
    const run = (twist: Twist): Command => {
      let first = true;
      peer.script = (request) => {
        peer.answer(request, first ? twist : {});
        first = false;
      };
      const command = makeCommand(READ, 77, 2);
      device.submit(command);
      peer.run(() => !command.busy);
      return command;
    };
    return { peer, run };
  }

  test("another LBA means a damaged frame: the request goes again", () => {
    const { run } = trusted();
    expect(run({ lba: 76 }).transmits).toBe(2);
    expect(run({ lba: 77 }).transmits).toBe(1);
  });

  test("another count too", () => {
    const { run } = trusted();
    expect(run({ count: 3 }).transmits).toBe(2);
  });

  test("a tag with a flipped bit that hits another command doesn't bring it the wrong data", () => {
    const { peer } = trusted();
    const device = peer.initiator.devices[0];
    const asked: Seen[] = [];
    peer.script = (request) => {
      asked.push(request);
      if (asked.length < 2) return;
      if (asked.length > 2) {
        peer.answer(request);
        return;
      }
      // Both are out: each gets the answer of the other.
      const [a, b] = asked as [Seen, Seen];
      peer.answer(a, { tag: b.tag });
      peer.answer(b, { tag: a.tag });
    };
    const commands = [makeCommand(READ, 40, 1), makeCommand(READ, 41, 1)];
    for (const command of commands) device?.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    for (const { memory, lba } of commands) {
      expect(memory?.bytes).toEqual(peer.image.slice(lba * 512, lba * 512 + 512));
    }
    expect(device?.counters.contradictory).toBe(2);
  });

  test("one that stops to echo, as after a change of its software, is believed after a few", () => {
    const { peer } = trusted();
    const device = peer.initiator.devices[0];
    peer.script = (request) => peer.answer(request, { lba: 0, count: 0 });
    for (let lba = 1; lba < 20; lba++) {
      const command = makeCommand(READ, lba, 1);
      device?.submit(command);
      peer.run(() => !command.busy);
      expect(command.outcome).toBe(OK);
    }
    expect(device?.counters.contradictory).toBeLessThan(10);
  });
});

test("20,000 frames of noise: nothing is thrown, no command ends by them, no answer is sent", () => {
  const seed = 20_260;
  const random = createRandom(seed);
  const peer = new Scripted({ bufferCount: 16 });
  const device = peer.find();
  const asked: Seen[] = [];
  peer.script = (request) => asked.push(request);
  const commands = Array.from({ length: 8 }, (_, lba) => makeCommand(WRITE, 10 + lba, 1));
  for (const command of commands) {
    command.timeout = 1e15;
    device.submit(command);
  }
  peer.runFor(0.5 * MS);
  const devices = peer.initiator.devices.length;
  for (let index = 0; index < 20_000; index++) {
    const bytes = new Uint8Array(14 + random.below(random.below(2) === 0 ? 60 : 1500));
    for (let at = 0; at < bytes.length; at++) bytes[at] = random.next();
    const view = new DataView(bytes.buffer);
    // Half are near the truth: right addresses, type, version and flags, and a tag that is near.
    if (index % 2 === 0) {
      view.setUint16(0, 0x0200);
      view.setUint32(2, 0x0100);
      bytes[6] = (bytes[6] as number) & 0xfe;
      view.setUint16(12, 0x88a2);
      if (bytes.length > aoe.LENGTH) {
        view.setUint8(aoe.VERSION_FLAGS, 0x18 | random.below(16));
        view.setUint16(aoe.MAJOR, 8);
        if (aoe.command(view, 0) === aoe.COMMAND_CONFIG) view.setUint8(aoe.COMMAND, 0);
        const near = asked[random.below(asked.length)] as Seen;
        view.setUint32(aoe.TAG, (near.tag ^ (1 << random.below(32))) >>> 0);
      }
    }
    peer.send(bytes, random.below(100));
    if (index % 100 === 0) peer.runFor(200);
  }
  peer.runFor(1 * MS);
  expect(commands.every(({ busy }) => busy)).toBe(true);
  // What was sent are retransmits of ours, and the question where the silent device is now.
  const ours = new Set(commands.map(({ lba }) => lba));
  const isOurs = ({ aoeCommand, lba, opcode }: Seen): boolean =>
    aoeCommand === aoe.COMMAND_CONFIG || (opcode === ata.WRITE_EXT && ours.has(lba));
  expect(peer.seen.every(isOurs)).toBe(true);
  expect(peer.initiator.devices.length).toBe(devices);
});
