// What a device has in hand: how much of it may be out, what ends a command, when a frame goes again, and which
// times are counted. Each test is of a line that could be wrong without another test's notice.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import { CANCELLED, type Command, OK } from "./command.ts";
import { controlCommand } from "./control_command.ts";
import type { Device } from "./device.ts";
import { makeCommand, Scripted, type Seen } from "../../testing/doubles/scripted_peer.ts";
import { FLUSH, IDENTIFY, READ, WRITE } from "./operation.ts";

const US = 1e3;
const MS = 1e6;
const S = 1e9;

function reads(count: number, sectors = 1): Command[] {
  return Array.from({ length: count }, (_, index) => makeCommand(READ, sectors * index, sectors));
}

function allEnd(peer: Scripted, commands: readonly Command[], limit = 100 * S): void {
  expect(peer.run(() => commands.every(({ busy }) => !busy), limit)).toBe(true);
}

/** P23's answer to a count that is too large. */
function refuse(peer: Scripted, request: Seen): void {
  const flags = aoe.FLAG_RESPONSE | aoe.FLAG_ERROR;
  peer.answer(request, { flags, error: aoe.ERROR_ARGUMENT });
}

/** Config reads by the device's path: what `ping` sends. */
function question(device: Device): Command {
  const command = controlCommand(aoe.COMMAND_CONFIG, config.LENGTH, (view) =>
    config.write(view, 0, 0, 0, 0, config.READ, 0),
  );
  command.path = device.paths[0] ?? null;
  return command;
}

describe("bounds", () => {
  test("P12: a write that must not go again yet counts as well, so that nothing takes its place", () => {
    const peer = new Scripted({ bufferCount: 2 });
    const device = peer.find();
    const warm = reads(40);
    for (const read of warm) device.submit(read);
    allEnd(peer, warm);
    peer.script = () => {};
    // The second one overlaps the first, which is barred as long as that one is out.
    device.submit(makeCommand(WRITE, 0, 1));
    peer.runFor(400 * US);
    device.submit(makeCommand(WRITE, 0, 1));
    for (const read of reads(4)) device.submit(read);
    let most = 0;
    peer.run(() => {
      most = Math.max(most, device.outstanding);
      return false;
    }, 2 * S);
    expect(device.counters.retransmitsBarred).toBeGreaterThan(0);
    expect(most).toBe(2);
  });

  test("P12: a question about a path finds no room where the buffer count is out by two paths", () => {
    const peer = new Scripted({ bufferCount: 2, links: 2 });
    const device = peer.find();
    const warm = reads(40);
    for (const read of warm) device.submit(read);
    allEnd(peer, warm);
    peer.script = () => {};
    for (const read of reads(2)) device.submit(read);
    peer.runFor(10 * US);
    const identify = makeCommand(IDENTIFY, 0, 1);
    identify.timeout = 5 * MS;
    device.submit(identify);
    let most = 0;
    peer.run(() => {
      most = Math.max(most, device.inFlight);
      return !identify.busy;
    });
    expect(most).toBe(2);
  });

  test("P12: of the pieces of a command that was cut no more are out than the target takes", () => {
    const peer = new Scripted({ bufferCount: 2, links: 2, mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    const warm = reads(40);
    for (const read of warm) device.submit(read);
    allEnd(peer, warm);
    peer.script = (request) => {
      if (request.count <= 2) peer.answer(request, { delay: 50 * US });
      else refuse(peer, request);
    };
    const cut = makeCommand(READ, 0, 17);
    device.submit(cut);
    let most = 0;
    peer.run(() => {
      most = Math.max(most, device.inFlight);
      return !cut.busy;
    });
    expect([cut.outcome, most]).toEqual([OK, 2]);
  });

  test("a question about a path goes though frames that wait to go again have all buffers", () => {
    const peer = new Scripted({ bufferCount: 16, strategy: "fixed", preallocated: 4 });
    const device = peer.find();
    peer.script = () => {};
    for (const read of reads(16)) device.submit(read);
    peer.runFor(1 * S);
    const asked = question(device);
    asked.timeout = 3 * S;
    device.submit(asked);
    allEnd(peer, [asked]);
    expect(asked.outcome).toBe(OK);
  });
});

describe("ends", () => {
  test("a read of no sectors that is cancelled before its turn ends once", () => {
    const peer = new Scripted();
    const device = peer.find();
    const nothing = makeCommand(READ, 0, 0);
    let ends = 0;
    nothing.done = () => ends++;
    device.submit(nothing);
    device.cancel(nothing);
    expect([nothing.outcome, device.queued]).toEqual([CANCELLED, 0]);
    const [read] = reads(1) as [Command];
    device.submit(read);
    allEnd(peer, [read]);
    expect([ends, device.pending, read.outcome]).toEqual([1, 0, OK]);
  });

  test("answers to flushes are signs of life for what is queued behind them", () => {
    const peer = new Scripted({ bufferCount: 2, options: { timeout: 5 * S } });
    const device = peer.find();
    // One at a time, each 2 s behind the one before.
    const due = new Map<number, number>();
    let end = 0;
    peer.script = (request) => {
      if (due.has(request.tag)) return;
      end = Math.max(end, request.at) + 2 * S;
      due.set(request.tag, end);
      peer.answer(request, { delay: end - request.at });
    };
    const flushes = Array.from({ length: 6 }, () => {
      const flush = makeCommand(FLUSH, 0, 0);
      flush.memory = null;
      return flush;
    });
    for (const flush of flushes) device.submit(flush);
    allEnd(peer, flushes);
    expect(flushes.map(({ outcome }) => outcome)).toEqual([OK, OK, OK, OK, OK, OK]);
  });

  test("a write that ends while it is held back was held back for as long as that", () => {
    const peer = new Scripted();
    const device = peer.find();
    let copies = 0;
    peer.script = (request) => {
      if (++copies > 1) peer.answer(request);
    };
    const twice = makeCommand(WRITE, 0, 1);
    device.submit(twice);
    allEnd(peer, [twice]);
    const held = makeCommand(WRITE, 0, 1);
    device.submit(held);
    peer.runFor(200 * MS);
    peer.initiator.begin(peer.clock.now());
    device.cancel(held);
    expect([held.outcome, held.heldBack]).toEqual([CANCELLED, device.counters.heldBackTime]);
    expect(held.heldBack).toBeWithin(199 * MS, 201 * MS);
  });
});

describe("when a frame goes again", () => {
  /** A time-out that nothing here waits for. */
  const LATE = { first: 100 * MS, floor: 100 * MS, ceiling: 2 * S };

  /**
   * A read gets lost, and a flush behind it is answered after `pause` ns, while reads come one by one, 200 µs apart; when
   * the lost one went again, ns after it first did.
   */
  function resentAfter(pause: number): number {
    const peer = new Scripted({ bufferCount: 64, options: { rtt: LATE } });
    const device = peer.find();
    const warm = reads(64);
    peer.script = (request) => peer.answer(request, { delay: 50 * US });
    for (const read of warm) device.submit(read);
    allEnd(peer, warm);
    const sent: number[] = [];
    peer.script = (request) => {
      if (request.lba === 500) sent.push(request.at);
      else peer.answer(request, { delay: request.count === 0 ? pause : 50 * US });
    };
    device.submit(makeCommand(READ, 500, 1));
    device.submit(makeCommand(FLUSH, 0, 0));
    const rest = reads(40);
    for (const read of rest) {
      device.submit(read);
      peer.runFor(200 * US);
    }
    peer.run(() => sent.length > 1, 1 * S);
    return (sent[1] as number) - (sent[0] as number);
  }

  test("a read that was not overtaken at the first look is looked at again, long before its time-out", () => {
    expect(resentAfter(50 * US)).toBeWithin(3 * MS, 5 * MS);
  });

  test("an early one that is answered last takes back nothing of what was overtaken", () => {
    expect(resentAfter(3.1 * MS)).toBeWithin(3 * MS, 5 * MS);
  });

  test("a copy that found no room waits twice as long as the first, whatever was answered meanwhile", () => {
    const peer = new Scripted({ bufferCount: 16 });
    const device = peer.find();
    const sent: number[] = [];
    peer.script = (request) => {
      if (request.lba === 500) sent.push(request.at);
      else peer.answer(request, { delay: 50 * US });
    };
    const warm = reads(40);
    for (const read of warm) {
      device.submit(read);
      allEnd(peer, [read]);
    }
    device.submit(makeCommand(WRITE, 500, 1));
    peer.runFor(500 * US);
    const slow = makeCommand(READ, 0, 1);
    peer.script = (request) => peer.answer(request, { delay: 700 * US });
    device.submit(slow);
    peer.runFor(100 * US);
    peer.script = (request) => {
      if (request.lba === 500) sent.push(request.at);
    };
    // The first copy's time-out, and then the answer to the read, come while nothing can leave.
    peer.fabric.congest(0, true);
    allEnd(peer, [slow]);
    peer.fabric.congest(0, false);
    peer.runFor(10 * MS);
    const [first = 0, second = 0, third = 0] = sent;
    const { rtt } = device.paths[0] ?? {};
    expect([sent.length > 2, second - first > 1.1 * MS]).toEqual([true, true]);
    expect(rtt?.rto(0)).toBeLessThan(1.9 * MS);
    expect(third - second).toBeGreaterThan(1.9 * MS);
  });

  test("a silent device is asked for by broadcast once in a quarter of a second, whatever gets lost", () => {
    const peer = new Scripted({ bufferCount: 64, options: { timeout: 2 * S } });
    const device = peer.find();
    const asked: number[] = [];
    peer.mac = 0x0200_0000_0999;
    peer.answerConfig = ({ at }) => asked.push(at);
    for (const read of reads(64)) device.submit(read);
    peer.run(() => device.pending === 0, 10 * S);
    expect(asked.length).toBeGreaterThan(1);
    for (const [index, at] of asked.slice(1).entries()) {
      expect(at - (asked[index] as number)).toBeGreaterThanOrEqual(250 * MS);
    }
  });
});

test("a link may have been polled before the request was sent whose answer it brings: no time runs backwards", () => {
  const peer = new Scripted();
  const device = peer.find();
  peer.runFor(1 * S);
  const [port] = peer.initiator.ports;
  if (port === undefined) throw new Error("there is one");
  const receive = port.link.receive.bind(port.link);
  port.link.receive = (visit, most) =>
    receive((view) => visit(Object.assign(view, { at: view.at - 1 * MS })), most);
  const warm = reads(40);
  for (const read of warm) device.submit(read);
  allEnd(peer, warm);
  expect(warm.every(({ doneAt, sentAt }) => doneAt >= sentAt)).toBe(true);
  expect(device.paths[0]?.rtt.smoothed).toBeGreaterThanOrEqual(0);
});

describe("sizes", () => {
  test("the last of the 2^48 sectors may be asked for, and none behind it", () => {
    const peer = new Scripted();
    const device = peer.find();
    const last = makeCommand(READ, 2 ** 48 - 1, 1);
    peer.script = (request) => peer.answer({ ...request, lba: 0 }, { lba: request.lba });
    device.submit(last);
    allEnd(peer, [last]);
    expect([last.outcome, peer.asked[0]?.[2]]).toEqual([OK, 2 ** 48 - 1]);
    expect(() => device.submit(makeCommand(READ, 2 ** 48, 1))).toThrow("2^48");
  });

  test("a target that refuses two sectors is asked for one at a time", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.script = (request) => {
      if (request.count === 1) peer.answer(request);
      else refuse(peer, request);
    };
    const both = [makeCommand(READ, 0, 2), makeCommand(WRITE, 4, 2)];
    for (const command of both) device.submit(command);
    allEnd(peer, both, 5 * S);
    expect(both.map(({ outcome }) => outcome)).toEqual([OK, OK]);
    expect(peer.asked.at(-1)?.[3]).toBe(1);
  });

  test("an answer that is longer than the memory for it is cut", () => {
    const peer = new Scripted({ mtu: 30_000 });
    const device = peer.find();
    const answer = peer.answerConfig.bind(peer);
    peer.answerConfig = (request) => {
      answer(request);
      const { bytes } = peer.lastParcel;
      const long = new Uint8Array(25_000);
      long.set(bytes);
      Object.assign(peer.lastParcel, { bytes: long });
    };
    const asked = question(device);
    device.submit(asked);
    allEnd(peer, [asked]);
    expect([asked.outcome, asked.answerLength]).toEqual([OK, 25_000 - aoe.LENGTH]);
  });

  test("what one link has unlearned by its MTU says nothing of another", () => {
    const peer = new Scripted({ links: 2, mtu: 9000, sectorCount: 17 });
    const device = peer.find();
    const [first] = device.paths;
    if (first === undefined) throw new Error("there are two");
    first.reads.fall(2, peer.clock.now());
    peer.switches[1]?.setMtu(8000);
    peer.runFor(1 * MS);
    expect(device.paths.map(({ reads: { sectors } }) => sectors)).toEqual([2, 15]);
  });
});
