// A device against a peer that does as it is told, by exact times of the virtual clock.
//
// One device, one suite: what a request, an answer, a loss and a path do to each other can't be read apart, hence
// its length.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { AOE_ERROR, ATA_ERROR, CANCELLED, type Command, OK, TIMEOUT } from "./command.ts";
import type { Device } from "./device.ts";
import {
  makeCommand,
  makeMemory,
  MAJOR,
  OUR_MAC,
  Scripted,
  type Seen,
} from "../../testing/doubles/scripted_peer.ts";
import { CONTROL, FLUSH, READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;

/** Submits, runs until it is done, and returns it. */
function perform(peer: Scripted, device: Device, command: Command): Command {
  device.submit(command);
  expect(peer.run(() => !command.busy)).toBe(true);
  return command;
}

function slice(peer: Scripted, lba: number, sectors: number): Uint8Array {
  return peer.image.slice(lba * 512, (lba + sectors) * 512);
}

describe("discovery", () => {
  test("a broadcast to every shelf and slot, padded to 60 bytes of zeros, bit 31 of the tag set", () => {
    const peer = new Scripted();
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const { bytes, view } = peer.seen[0] as Seen;
    expect(bytes.length).toBe(60);
    expect([view.getUint16(0), view.getUint32(2)]).toEqual([0xffff, 0xffff_ffff]);
    expect([aoe.major(view, 0), aoe.minor(view, 0)]).toEqual([0xffff, 0xff]);
    expect(aoe.tag(view, 0) >>> 31).toBe(1);
    // P1: no bit that has no meaning is set.
    expect(view.getUint8(aoe.VERSION_FLAGS)).toBe(0x10);
    expect([...bytes.subarray(24, 29)]).toEqual([0, 0, 0, 0, 0]);
    expect(bytes.subarray(30).every((byte) => byte === 0)).toBe(true);
  });

  test("a device appears with what it said, and is asked for its IDENTIFY sector", () => {
    const peer = new Scripted({ bufferCount: 16, sectors: 1000 });
    const events: string[] = [];
    peer.initiator.onEvent = (device, event) =>
      events.push(`${device.major}.${device.minor} ${event}`);
    const device = peer.find();
    expect(events).toEqual(["7.3 found", "7.3 identified"]);
    expect([device.bufferCount, device.sectorCount, device.firmware]).toEqual([16, 2, 0x4019]);
    expect(Buffer.from(device.configString).toString()).toBe("lab");
    expect(device.sectors).toBe(1000);
    expect(device.identity?.model).toBe("scripted peer");
  });

  test("P11: an announcement makes it appear without a question", () => {
    const peer = new Scripted();
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const asked = peer.seen[0] as Seen;
    peer.answerConfig(asked, { tag: 0, minor: 9, destination: BROADCAST });
    peer.runFor(1 * MS);
    expect(peer.initiator.device({ major: MAJOR, minor: 9 })).toBeDefined();
  });

  test("P20: nobody has the address of all", () => {
    const peer = new Scripted();
    peer.find();
    const before = peer.initiator.devices.length;
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const asked = peer.seen[0] as Seen;
    peer.answerConfig(asked, { major: 0xffff });
    peer.answerConfig(asked, { minor: 0xff });
    peer.runFor(1 * MS);
    expect(peer.initiator.devices.length).toBe(before);
  });

  for (const count of [0, 1]) {
    test(`P12: a buffer count of ${count} is said, and taken as 2`, () => {
      const peer = new Scripted({ bufferCount: count });
      const notices: string[] = [];
      peer.initiator.onNotice = (sentence) => notices.push(sentence);
      const device = peer.find();
      expect(notices).toEqual([`e7.3 announces a buffer count of ${count}, which is taken as 2`]);
      expect(device.bufferCount).toBe(2);
      expect(perform(peer, device, makeCommand(READ, 0, 8)).outcome).toBe(OK);
    });
  }

  for (const [said, mtu, frame] of [
    [0, 1500, 2],
    [1, 1500, 1],
    [2, 9000, 2],
    [2, 1046, 2],
    [2, 1045, 1],
    [17, 9000, 17],
    [255, 9000, 17],
    [255, 1500, 2],
    [255, 65_535, 127],
  ] as const) {
    test(`P13: ${said} sectors said and an MTU of ${mtu} make frames of ${frame}`, () => {
      const peer = new Scripted({ sectorCount: said, mtu });
      const device = peer.find();
      expect(perform(peer, device, makeCommand(READ, 0, 200)).outcome).toBe(OK);
      expect(Math.max(...peer.asked.map(([, , , count]) => count))).toBe(frame);
    });
  }
});

describe("requests", () => {
  test("one larger than a frame is split, ends once, and has its data in place", () => {
    const peer = new Scripted();
    const device = peer.find();
    const command = makeCommand(READ, 10, 5);
    let ends = 0;
    command.done = () => ends++;
    perform(peer, device, command);
    expect(ends).toBe(1);
    expect(peer.asked.map(([, ...rest]) => rest)).toEqual([
      [ata.READ_EXT, 10, 2],
      [ata.READ_EXT, 12, 2],
      [ata.READ_EXT, 14, 1],
    ]);
    expect(command.memory?.bytes).toEqual(slice(peer, 10, 5));
    expect(command.transmits).toBe(3);
  });

  test("answers in any order end up in the right place", () => {
    const peer = new Scripted();
    const device = peer.find();
    let delay = 9 * US;
    peer.script = (request) => {
      peer.answer(request, { delay });
      delay -= 2 * US;
    };
    expect(perform(peer, device, makeCommand(READ, 100, 8)).memory?.bytes).toEqual(
      slice(peer, 100, 8),
    );
  });

  test("a write carries the caller's bytes from `offset` on, bit 30 in its tag, W and E in its flags", () => {
    const peer = new Scripted();
    const device = peer.find();
    const command = makeCommand(WRITE, 20, 3);
    command.memory = makeMemory(5 * 512);
    command.memory.bytes.forEach((_, at, bytes) => {
      bytes[at] = at % 251;
    });
    command.offset = 512;
    expect(perform(peer, device, command).outcome).toBe(OK);
    expect(slice(peer, 20, 3)).toEqual(command.memory.bytes.slice(512, 4 * 512));
    const { tag, view } = peer.seen[0] as Seen;
    expect(tag >>> 30).toBe(0b11);
    expect(ata.flags(view, 0)).toBe(ata.FLAG_EXTENDED | ata.FLAG_WRITE);
  });

  test("flush is one frame, and no sample of the round trip", () => {
    const peer = new Scripted();
    const device = peer.find();
    perform(peer, device, makeCommand(READ, 1, 1));
    const samples = device.paths[0]?.rtt.samples;
    peer.seen.length = 0;
    peer.script = (request) => peer.answer(request, { delay: 200 * MS });
    expect(perform(peer, device, makeCommand(FLUSH, 0, 0)).outcome).toBe(OK);
    expect(peer.asked.map(([, opcode]) => opcode)).toEqual([ata.FLUSH_EXT]);
    expect(device.paths[0]?.rtt.samples).toBe(samples as number);
  });

  test("a control command brings back what stands behind the AoE header", () => {
    const peer = new Scripted();
    const device = peer.find();
    const command = makeCommand(CONTROL, 0, 2);
    command.aoeCommand = aoe.COMMAND_CONFIG;
    command.length = 8;
    command.memory?.view.setUint8(5, 0x10);
    perform(peer, device, command);
    expect(command.outcome).toBe(OK);
    expect(command.memory?.view.getUint16(0)).toBe(16);
    expect(command.answerLength).toBe(60 - aoe.LENGTH);
  });

  test("none at all of sectors ends well and sends nothing", () => {
    const peer = new Scripted();
    const device = peer.find();
    expect(perform(peer, device, makeCommand(READ, 5, 0)).outcome).toBe(OK);
    expect(peer.asked).toEqual([]);
  });

  test("beyond 2^48 sectors is the caller's error", () => {
    const peer = new Scripted();
    const device = peer.find();
    expect(() => device.submit(makeCommand(READ, 2 ** 48 - 1, 2))).toThrow("2^48");
    expect(device.pending).toBe(0);
  });

  test("the caller may overwrite his memory as soon as `done` is called, pinned or not", () => {
    const peer = new Scripted({ reclaim: "stuck" });
    const device = peer.find();
    // Each write is answered only after the one behind it was prepared in the same memory.
    const written: number[] = [];
    const command = makeCommand(WRITE, 0, 2);
    command.done = () => {
      command.memory?.bytes.fill(0xee);
      if (command.lba < 40) {
        command.lba += 2;
        command.memory?.bytes.fill(command.lba);
        written.push(command.lba);
        device.submit(command);
      }
    };
    command.memory?.bytes.fill(0);
    device.submit(command);
    peer.run(() => !command.busy);
    for (const lba of written) {
      expect(slice(peer, lba, 2).every((byte) => byte === lba)).toBe(true);
    }
  });
});

describe("errors end a request at once", () => {
  test("P15: an ATA failure, with what the target said; its siblings become nobody's", () => {
    const peer = new Scripted();
    const device = peer.find();
    const late: Seen[] = [];
    peer.script = (request) => {
      if (request.lba === 12) {
        const failure = {
          status: ata.STATUS_ERR | ata.STATUS_DRDY,
          ataError: ata.ERROR_UNC,
          lba: 13,
        };
        peer.answer(request, failure);
      } else late.push(request);
    };
    const command = perform(peer, device, makeCommand(READ, 10, 6));
    expect([command.outcome, command.ataError, command.failedLba]).toEqual([ATA_ERROR, 0x40, 13]);
    expect(command.doneAt - command.sentAt).toBe(0);
    const memory = command.memory?.bytes.slice() as Uint8Array;
    for (const request of late) peer.answer(request);
    peer.runFor(1 * MS);
    // The memory is the caller's again: a late answer writes nothing there.
    expect(command.memory?.bytes).toEqual(memory);
    expect(device.counters.orphanAnswers).toBe(late.length);
    expect(device.outstanding).toBe(0);
  });

  test("an AoE error with its code", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.script = (request) =>
      peer.answer(request, {
        flags: aoe.FLAG_RESPONSE | aoe.FLAG_ERROR,
        error: aoe.ERROR_RESERVED,
      });
    const command = perform(peer, device, makeCommand(WRITE, 0, 1));
    expect([command.outcome, command.aoeError]).toEqual([AOE_ERROR, aoe.ERROR_RESERVED]);
  });

  test("a device that was withdrawn: queued and outstanding commands end with CANCELLED", () => {
    const peer = new Scripted({ bufferCount: 2 });
    const device = peer.find();
    peer.script = () => {};
    const commands = Array.from({ length: 6 }, (_, index) => makeCommand(WRITE, index * 2, 2));
    for (const command of commands) device.submit(command);
    peer.runFor(1 * MS);
    device.cancel(commands[0] as Command);
    device.cancel(commands[5] as Command);
    expect(commands.map(({ busy }) => busy)).toEqual([false, true, true, true, true, false]);
    expect(peer.initiator.close()).toBe(true);
    expect(commands.every(({ outcome }) => outcome === CANCELLED)).toBe(true);
    expect(device.outstanding).toBe(0);
  });
});

describe("retransmits", () => {
  test("a silent target: sent again at exact times with the same tag, and given up after 10 s", () => {
    const peer = new Scripted({ options: { identify: false } });
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const device = peer.initiator.devices[0] as Device;
    peer.seen.length = 0;
    peer.script = () => {};
    const start = peer.clock.now();
    const command = perform(peer, device, makeCommand(READ, 3, 1));
    const times = peer.asked.map(([at]) => (at - start) / MS);
    expect(times).toEqual([0, 250, 750, 1750, 3750, 5750, 7750, 9750]);
    expect(command.outcome).toBe(TIMEOUT);
    expect(command.doneAt - start).toBe(10 * S);
    expect(command.transmits).toBe(8);
    const copies = peer.seen.filter(({ aoeCommand }) => aoeCommand === aoe.COMMAND_ATA);
    for (const { bytes } of copies) expect(bytes).toEqual((copies[0] as Seen).bytes);
  });

  test("the RTO follows the round trip: 2 · smoothed + 8 · deviation", () => {
    const peer = new Scripted({ options: { identify: false } });
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const device = peer.initiator.devices[0] as Device;
    peer.script = (request) => peer.answer(request, { delay: 10 * MS });
    perform(peer, device, makeCommand(READ, 3, 1));
    expect(device.paths[0]?.rtt.rto()).toBe(60 * MS);
    peer.seen.length = 0;
    peer.script = () => {};
    const start = peer.clock.now();
    device.submit(makeCommand(READ, 3, 1));
    peer.runFor(500 * MS);
    expect(peer.asked.map(([at]) => (at - start) / MS)).toEqual([0, 60, 180, 420]);
  });

  test("Karn: an answer to a command that was sent twice is no sample, and the doubling stays", () => {
    const peer = new Scripted({ options: { identify: false } });
    peer.initiator.discover();
    peer.runFor(1 * MS);
    const device = peer.initiator.devices[0] as Device;
    const rtt = device.paths[0]?.rtt;
    let drop = true;
    peer.script = (request) => {
      if (drop) drop = false;
      else peer.answer(request, { delay: 10 * MS });
    };
    perform(peer, device, makeCommand(READ, 3, 1));
    expect([rtt?.samples, rtt?.shift]).toEqual([0, 1]);
    peer.seen.length = 0;
    drop = true;
    let start = peer.clock.now();
    perform(peer, device, makeCommand(READ, 4, 1));
    expect(peer.asked.map(([at]) => (at - start) / MS)).toEqual([0, 500]);
    // A clean one.
    start = peer.clock.now();
    perform(peer, device, makeCommand(READ, 4, 1));
    expect([rtt?.samples, rtt?.shift, rtt?.smoothed]).toEqual([1, 0, 10 * MS]);
  });

  test("a second answer is stale, and harms nobody", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.script = (request) => {
      peer.answer(request);
      peer.answer(request, { delay: 10 * US });
    };
    for (let lba = 0; lba < 10; lba++) perform(peer, device, makeCommand(READ, lba, 1));
    peer.runFor(1 * MS);
    expect(device.counters.stale).toBe(10);
  });

  test("an answer after the RTO, before the frame went again, ends it", () => {
    const peer = new Scripted({ bufferCount: 16, options: { windowLaw: "slow-start" } });
    const device = peer.find();
    for (let i = 0; i < 50; i++) perform(peer, device, makeCommand(READ, i, 1));
    // All eight of the window expire at 1 ms; one goes again, the seven others wait for room.
    peer.seen.length = 0;
    peer.script = (request) => peer.answer(request, { delay: 1500 * US });
    const commands = Array.from({ length: 8 }, (_, lba) => makeCommand(READ, lba, 1));
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
    expect(peer.asked.length).toBe(9);
    expect(device.paths[0]?.window.size).toBeLessThanOrEqual(8);
  });

  test("with new tags, as Linux does: a copy of a pinned buffer goes into another", () => {
    const peer = new Scripted({ reclaim: "stuck", options: { retransmitTag: "new" } });
    const device = peer.find();
    let drop = 2;
    peer.script = (request) => {
      if (drop-- <= 0) peer.answer(request);
    };
    const command = makeCommand(WRITE, 8, 2);
    command.memory?.bytes.fill(0x77);
    perform(peer, device, command);
    expect(command.outcome).toBe(OK);
    const sent = peer.seen.filter(({ aoeCommand }) => aoeCommand === aoe.COMMAND_ATA);
    expect(new Set(sent.map(({ tag }) => tag)).size).toBe(3);
    expect(device.counters.retransmitBuffers).toBe(2);
    expect(slice(peer, 8, 2).every((byte) => byte === 0x77)).toBe(true);
  });

  test.each(["eager", "stuck"])(
    "after our own address changed, from the new one (reclaim %s)",
    (reclaim) => {
      const peer = new Scripted({ reclaim });
      const device = peer.find();
      const moved = OUR_MAC + 0x99;
      let lost = true;
      peer.script = (request) => {
        if (!lost) peer.answer(request);
        lost = false;
      };
      const command = makeCommand(READ, 3, 1);
      device.submit(command);
      peer.runFor(0);
      peer.fabric.setMac(0, moved);
      peer.run(() => !command.busy);
      expect(command.outcome).toBe(OK);
      const asked = peer.seen.filter(({ aoeCommand }) => aoeCommand === aoe.COMMAND_ATA);
      expect(asked.map(({ source }) => source)).toEqual([OUR_MAC, moved]);
      expect(new Set(asked.map(({ tag }) => tag)).size).toBe(1);
    },
  );

  test("a link without room: the frame waits, and goes when there is some", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.fabric.congest(0, true);
    const command = makeCommand(READ, 3, 1);
    device.submit(command);
    peer.runFor(5 * MS);
    expect(peer.asked).toEqual([]);
    expect(device.counters.linkBusy).toBeGreaterThan(10);
    peer.fabric.congest(0, false);
    peer.runFor(1 * MS);
    expect(command.outcome).toBe(OK);
    expect(command.busy).toBe(false);
    expect(device.counters.retransmits).toBe(0);
  });

  test("a target that falls silent: outstanding and queued commands all end 10 s after its last word", () => {
    const peer = new Scripted({ bufferCount: 4 });
    const device = peer.find();
    const commands = Array.from({ length: 40 }, (_, lba) => makeCommand(READ, lba, 1));
    let served = 0;
    peer.script = (request) => {
      if (++served <= 3) peer.answer(request);
    };
    const start = peer.clock.now();
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(commands.filter(({ outcome }) => outcome === OK).length).toBe(3);
    expect(commands.filter(({ outcome }) => outcome === TIMEOUT).length).toBe(37);
    expect(peer.clock.now() - start).toBe(10 * S);
  });

  test("a slow target is not a silent one: a queue may take longer than the timeout", () => {
    const peer = new Scripted({ bufferCount: 2, options: { window: 1 } });
    const device = peer.find();
    peer.script = (request) => {
      if (!peer.seen.some((other) => other.tag === request.tag && other !== request)) {
        peer.answer(request, { delay: 4 * S });
      }
    };
    const commands = Array.from({ length: 6 }, (_, lba) => makeCommand(READ, lba, 1));
    for (const command of commands) device.submit(command);
    peer.run(() => commands.every(({ busy }) => !busy));
    expect(commands.every(({ outcome }) => outcome === OK)).toBe(true);
    expect(peer.clock.now()).toBe(24 * S);
  });
});

describe("the window", () => {
  test("P12: half of the buffer count at first, never more than all of it", () => {
    const peer = new Scripted({ bufferCount: 16 });
    const device = peer.find();
    let out = 0;
    let most = 0;
    let first = 0;
    peer.script = (request) => {
      out++;
      most = Math.max(most, out);
      if (first === 0) first = out;
      peer.answer(request, { delay: 100 * US });
    };
    const commands = Array.from({ length: 64 }, (_, index) => makeCommand(READ, index, 1));
    let started = 0;
    for (const command of commands) {
      command.done = (ended) => {
        out--;
        if (++started < 2000) device.submit(ended);
      };
      device.submit(command);
    }
    peer.runFor(50 * US);
    expect(out).toBe(8);
    peer.run(() => device.pending === 0);
    expect(most).toBe(16);
    expect(device.counters.retransmits).toBe(0);
  });
});

describe("the write hold-back", () => {
  function write(lba: number, sectors: number, fill: number): Command {
    const command = makeCommand(WRITE, lba, sectors);
    command.memory?.bytes.fill(fill);
    return command;
  }

  test("a write that was sent twice bars what overlaps until the packet life after its last copy", () => {
    const peer = new Scripted();
    const device = peer.find();
    for (let i = 0; i < 50; i++) perform(peer, device, makeCommand(READ, i, 1));
    peer.seen.length = 0;
    const start = peer.clock.now();
    const held: Seen[] = [];
    peer.script = (request) => {
      // The first copy travels; the second one arrives and is answered.
      if (held.length === 0) held.push(request);
      else peer.answer(request);
    };
    const first = perform(peer, device, write(100, 2, 1));
    const again = (peer.asked[1] as number[])[0] as number;
    // After its time-out, and the time for the answer to a query.
    expect(again - start).toBe(1.1 * MS);
    expect(first.transmits).toBe(2);

    const overlapping = write(101, 1, 2);
    const beside = write(102, 2, 3);
    const read = makeCommand(READ, 100, 2);
    for (const command of [overlapping, beside, read]) device.submit(command);
    peer.runFor(10 * MS);
    expect([overlapping.busy, beside.busy, read.busy]).toEqual([true, false, false]);
    expect(device.counters.heldBack).toBe(1);
    peer.run(() => !overlapping.busy);
    expect(overlapping.sentAt).toBe(again + 1 * S);
    expect(overlapping.heldBack).toBe(again + 1 * S - overlapping.submittedAt);
    expect(device.counters.heldBackTime).toBe(overlapping.heldBack);
    expect(overlapping.outcome).toBe(OK);
  });

  test("the stale duplicate: whenever the late copy arrives within its life, the newer write stands", () => {
    for (const delay of [2 * MS, 100 * MS, 999 * MS]) {
      const peer = new Scripted();
      const device = peer.find();
      for (let i = 0; i < 50; i++) perform(peer, device, makeCommand(READ, i, 1));
      let late: Seen | null = null;
      peer.script = (request) => {
        if (late === null) {
          // Not answered, and carried out by a target without P28 when it arrives.
          const copy = request;
          late = request;
          setLater(peer, delay, () => peer.image.set(copy.bytes.subarray(36, 36 + 512), 100 * 512));
        } else peer.answer(request);
      };
      perform(peer, device, write(100, 1, 0x11));
      perform(peer, device, write(100, 1, 0x22));
      peer.runFor(2 * S);
      expect(slice(peer, 100, 1).every((byte) => byte === 0x22)).toBe(true);
    }
  });

  test("a write that was given up bars too", () => {
    const peer = new Scripted({ options: { timeout: 100 * MS } });
    const device = peer.find();
    for (let i = 0; i < 50; i++) perform(peer, device, makeCommand(READ, i, 1));
    peer.script = () => {};
    perform(peer, device, write(100, 2, 1));
    const last = Math.max(...peer.asked.map(([at]) => at));
    peer.script = (request) => peer.answer(request);
    peer.seen.length = 0;
    // Its own timeout would end it while it waits; a longer one lets it see the bar fall.
    const next = write(100, 2, 2);
    next.timeout = 5 * S;
    perform(peer, device, next);
    expect(next.outcome).toBe(OK);
    expect(next.sentAt).toBe(last + 1 * S);
  });

  test("a sibling's error leaves a write in flight: what overlaps waits for its answer, not longer", () => {
    const peer = new Scripted();
    const device = peer.find();
    let slow: Seen | null = null;
    peer.script = (request) => {
      if (request.lba === 100) slow = request;
      else if (request.lba === 102) {
        peer.answer(request, { status: 0x41, ataError: ata.ERROR_ABRT });
      } else peer.answer(request);
    };
    expect(perform(peer, device, write(100, 4, 1)).outcome).toBe(ATA_ERROR);
    peer.script = (request) => peer.answer(request);
    const next = write(101, 1, 9);
    device.submit(next);
    peer.runFor(100 * US);
    expect(next.busy).toBe(true);
    peer.answer(slow as unknown as Seen);
    peer.run(() => !next.busy);
    // One copy, answered: nothing is left that could arrive.
    expect(next.doneAt - next.submittedAt).toBe(100 * US);
    expect(slice(peer, 101, 1).every((byte) => byte === 9)).toBe(true);
  });

  test("a copy is not sent again while a later write to the same place is out", () => {
    const peer = new Scripted({
      // A law that leaves the window open after a loss.
      options: { windowLaw: "stepwise", rtt: { first: 10 * MS, floor: 10 * MS, ceiling: 2 * S } },
    });
    const device = peer.find();
    peer.seen.length = 0;
    peer.script = () => {};
    const first = write(100, 1, 1);
    const second = write(100, 1, 2);
    device.submit(first);
    peer.runFor(5 * MS);
    device.submit(second);
    peer.runFor(7 * MS);
    // 12 ms: the first one's RTO has passed at 10, the second is out since 5.
    expect(peer.asked.length).toBe(2);
    expect(device.counters.retransmitsBarred).toBe(1);
    peer.script = (request) => peer.answer(request);
    peer.answer(peer.seen[1] as Seen);
    peer.run(() => !first.busy);
    expect([first.outcome, second.outcome]).toEqual([OK, OK]);
  });
});

/** Runs `what` in `delay` ns of the virtual clock, as a side effect of an unused parcel. */
function setLater(peer: Scripted, delay: number, what: () => void): void {
  const bytes = new Uint8Array(60);
  Object.defineProperty(bytes, "length", {
    get() {
      what();
      return 60;
    },
  });
  peer.send(bytes, delay);
}
