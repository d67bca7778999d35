// Addresses that answer for one device, on one link or several: ports of one target, or other targets, or nobody.

import { describe, expect, test } from "bun:test";

import type { Core } from "../../link/loop.ts";
import { createMemorySwitch } from "../../link/memory.ts";
import { createVirtualClock, runVirtual } from "../../link/virtual_clock.ts";
import type { Link } from "../../link/link.ts";
import { Export } from "../../target/protocol/export.ts";
import { createMemoryStore } from "../../target/stores/memory.ts";
import { Target } from "../../target/protocol/target.ts";
import { createRandom } from "../../words/random.ts";
import { OK } from "./command.ts";
import type { Device } from "./device.ts";
import { createInitiator } from "./initiator.ts";
import { createPool } from "../pool/buffer_pool.ts";
import {
  makeCommand,
  MAJOR,
  MINOR,
  OUR_MAC,
  PEER_MAC,
  Scripted,
  type Seen,
} from "../../testing/doubles/scripted_peer.ts";
import { READ, WRITE } from "./operation.ts";

const [OURS, FIRST, SECOND] = [0x0200_0000_0001, 0x0200_0000_0002, 0x0200_0000_0003] as const;

/** Loads e7.3 with 200 reads, where exports of so many sectors answer by FIRST and SECOND. */
function run(sizes: readonly [number, number], onePair: boolean) {
  const clock = createVirtualClock();
  const { links } = createMemorySwitch({ clock, latency: 1000, macs: [OURS, FIRST, SECOND] });
  const [ours, first, second] = links as [Link, Link, Link];
  const exports = sizes.map(
    (sectors) =>
      new Export({ major: 7, minor: 3, store: createMemoryStore(sectors), bufferCount: 16 }),
  );
  const targets: Target[] = [new Target(), ...(onePair ? [] : [new Target()])];
  for (const [index, target] of targets.entries()) target.addExport(exports[index] as Export);
  targets[0]?.addPort(first, "first");
  targets[onePair ? 0 : 1]?.addPort(second, "second");
  const notices: string[] = [];
  const initiator = createInitiator({
    links: [ours],
    clock,
    random: createRandom(3),
    pool: (link, frameBytes) =>
      createPool({ link, frameBytes, strategy: "completion", preallocated: 16, cap: 16 }),
    rediscover: Infinity,
  });
  initiator.onNotice = (sentence) => notices.push(sentence);
  initiator.discover();
  const cores: Core[] = [initiator, ...targets];
  const device = (): Device => initiator.device({ major: 7, minor: 3 }) as Device;
  runVirtual(cores, clock, () => device()?.identity != null && device().proving === 0, 1e9);
  runVirtual(cores, clock, () => device().pending === 0, clock.now() + 1e9);
  let ended = 0;
  for (let lba = 0; lba < 200; lba++) {
    const command = makeCommand(READ, lba, 1);
    command.done = ({ outcome }) => {
      expect(outcome).toBe(OK);
      ended++;
    };
    device().submit(command);
  }
  runVirtual(cores, clock, () => ended === 200, clock.now() + 10e9);
  const rivals = device().rivals.map(({ path }) => path.transmits);
  return { notices, ended, transmits: device().paths.map(({ transmits }) => transmits), rivals };
}

test("two targets that claim one address: both named, and only the first is used", () => {
  const { notices, ended, transmits, rivals } = run([4096, 2048], false);
  expect(notices).toEqual([
    "e7.3 is claimed by two targets: 02:00:00:00:00:02 (serial AOE-7.3, 4096 sectors) and 02:00:00:00:00:03 (serial AOE-7.3, 2048 sectors); only 02:00:00:00:00:02 is used",
  ]);
  expect(ended).toBe(200);
  // No command goes by the second.
  expect(rivals).toEqual([0]);
  expect(transmits.length).toBe(1);
  expect(transmits[0]).toBeGreaterThanOrEqual(201);
});

test("one target with two ports: said, and both are used", () => {
  const { notices, ended, transmits } = run([4096, 4096], true);
  expect(notices).toEqual([
    "e7.3 answers from two addresses on one link, 02:00:00:00:00:02 and 02:00:00:00:00:03: taken as one target, since serial, model and size agree",
  ]);
  expect(ended).toBe(200);
  expect(Math.min(...transmits)).toBeGreaterThan(50);
});

const MS = 1e6;
const S = 1e9;
const FORGED = 0x0200_0000_1000;

/** Reads done in a second, eight at a time, while `disturb` is called each 10 ms. */
function readsIn(second: number, peer: Scripted, device: Device, disturb: () => void): number {
  peer.script = (request) => peer.answer(request, { delay: MS });
  let ended = 0;
  for (let index = 0; index < 8; index++) {
    const read = makeCommand(READ, 4 * index, 2);
    read.done = ({ outcome }) => {
      expect(outcome).toBe(OK);
      ended++;
      device.submit(read);
    };
    device.submit(read);
  }
  for (let at = 0; at < second; at += 10 * MS) {
    disturb();
    peer.runFor(10 * MS);
  }
  return ended;
}

describe("addresses that claim a device and say no more", () => {
  /** A device and a question that forgers answer: `claim(n)` has the nth of them say that he is the device. */
  function beset(): { peer: Scripted; device: Device; claim: (nth: number) => void } {
    const peer = new Scripted();
    peer.mac = PEER_MAC;
    peer.initiator.discover();
    peer.runFor(MS);
    const asked = peer.seen[0] as Seen;
    const device = peer.find();
    const said = { ...asked, source: OUR_MAC };
    const claim = (nth: number): void =>
      peer.answerConfig(said, { source: FORGED + nth, tag: nth % 2 === 0 ? 0 : asked.tag });
    return { peer, device, claim };
  }

  test("sixty-four of them, again and again: they cost the device nothing, and are forgotten", () => {
    const alone = beset();
    const undisturbed = readsIn(S, alone.peer, alone.device, () => {});
    const { peer, device, claim } = beset();
    let most = 0;
    const reads = readsIn(S, peer, device, () => {
      for (let nth = 0; nth < 64; nth++) claim(nth);
      most = Math.max(most, device.proving);
    });
    expect(reads).toBe(undisturbed);
    expect([most, device.paths.length, device.bufferCount]).toEqual([32, 1, 16]);
    expect(device.counters.claimsRefused).toBeGreaterThan(0);
    expect(device.counters.retransmits).toBe(alone.device.counters.retransmits);
    peer.runFor(10 * S);
    expect(device.proving).toBe(0);
  });

  test("where 32 are asked the oldest one makes room, not the one that has just come", () => {
    const { peer, device, claim } = beset();
    for (let nth = 0; nth < 31; nth++) claim(nth);
    peer.runFor(45 * MS);
    claim(31);
    peer.runFor(10 * MS);
    claim(32);
    peer.runFor(1 * MS);
    expect([device.proving, device.counters.claimsRefused]).toEqual([32, 0]);
  });

  test("two thousand that are quicker than the target: it is found in spite of them", () => {
    const peer = new Scripted();
    peer.mac = PEER_MAC;
    const question = new Scripted();
    question.initiator.discover();
    question.runFor(MS);
    const asked = question.seen[0] as Seen;
    for (let nth = 0; nth < 2000; nth++) {
      peer.answerConfig(asked, { source: FORGED + nth, destination: OUR_MAC });
      if (nth % 500 === 0) peer.runFor(1e5);
    }
    const start = peer.clock.now();
    const device = peer.initiator.device({ major: MAJOR, minor: MINOR }) as Device;
    // As a session does while it waits.
    for (let round = 0; round < 50 && device.identity === null; round++) {
      peer.initiator.discover();
      peer.runFor(200 * MS);
    }
    expect(device.identity?.serial).toBe("scripted");
    expect(device.paths.map(({ target }) => target)).toEqual([PEER_MAC]);
    expect(peer.clock.now() - start).toBeLessThanOrEqual(S);
    const read = makeCommand(READ, 0, 4);
    device.submit(read);
    peer.run(() => !read.busy, 10 * S);
    expect(read.outcome).toBe(OK);
  });
});

describe("an answer from an address that is none of the device's", () => {
  test("is refused and counted, and the address is asked; where it is one, it is used from then on", () => {
    const peer = new Scripted();
    const device = peer.find();
    const second = PEER_MAC + 9;
    peer.script = (request) => peer.answer(request, { source: second });
    const read = makeCommand(READ, 0, 2);
    device.submit(read);
    peer.runFor(1e4);
    expect([device.counters.foreign, read.busy]).toEqual([1, true]);
    const [, question] = peer.seen;
    expect(question?.view.getUint16(0)).toBe(0x0200);
    // It answers, as the target's second port would.
    peer.answerConfig(question as Seen, { source: second });
    peer.script = (request) => peer.answer(request);
    peer.run(() => !read.busy, S);
    expect(read.outcome).toBe(OK);
  });

  test("an off-path forger: what he guesses from the questions that all hear is no tag, and his address no path", () => {
    const peer = new Scripted();
    const device = peer.find();
    peer.initiator.discover();
    peer.runFor(MS);
    const heard = (peer.seen[0] as Seen).tag;
    peer.script = (request) => {
      for (let guess = 1; guess <= 64; guess++) {
        // Of either kind, and from the target's own address, too.
        for (const source of [FORGED, PEER_MAC]) {
          peer.answer(request, { tag: (heard + guess) >>> 0, source, count: 2 });
        }
      }
      peer.answer(request, { source: FORGED });
      peer.answer(request, { delay: 1e5 });
    };
    const { image } = peer;
    const before = image.slice();
    for (let lba = 0; lba < 100; lba += 2) {
      const read = makeCommand(READ, lba, 2);
      device.submit(read);
      peer.run(() => !read.busy, S);
      expect([read.outcome, read.transmits, read.doneAt - read.sentAt]).toEqual([OK, 1, 1e5]);
    }
    expect(image).toEqual(before);
    expect(device.counters.foreign).toBe(50);
    expect(peer.initiator.ports[0]?.state.ignored.unknownTag).toBe(50 * 128);
  });
});

describe("two links", () => {
  const DIFFERENT = [
    [{ serial: "another" }, "serial another, 1024 sectors", "serial scripted, 1024 sectors"],
    [{ sectors: 512 }, "serial scripted, 512 sectors", "serial scripted, 1024 sectors"],
    [
      { model: "another" },
      "serial scripted, 1024 sectors, model another",
      "serial scripted, 1024 sectors, model scripted peer",
    ],
  ] as const;

  for (const [differs, theirs, ours] of DIFFERENT) {
    test(`another ${Object.keys(differs)} by the second: said, and no command goes there`, () => {
      const peer = new Scripted({ links: 2 });
      peer.saysBy[1] = differs;
      const notices: string[] = [];
      peer.initiator.onNotice = (sentence) => notices.push(sentence);
      const device = peer.find();
      for (let lba = 0; lba < 100; lba++) {
        const command = makeCommand(lba % 2 === 0 ? READ : WRITE, lba, 1);
        device.submit(command);
        peer.run(() => !command.busy, S);
        expect(command.outcome).toBe(OK);
      }
      expect(peer.seen.filter(({ port }) => port === 1)).toEqual([]);
      expect(device.rivals.map(({ path }) => path.target)).toEqual([PEER_MAC + 1]);
      expect(notices).toEqual([
        `e7.3 is claimed by two targets: 02:00:00:00:02:00 (${ours}) and 02:00:00:00:02:01 (${theirs}); only 02:00:00:00:02:00 is used`,
      ]);
    });
  }

  test("another disk that is exchanged for ours and announces itself is a path at once, and no rival", () => {
    const peer = new Scripted({ links: 2 });
    peer.saysBy[1] = { serial: "another" };
    const device = peer.find();
    expect([device.paths.length, device.rivals.length]).toEqual([1, 1]);
    peer.saysBy[1] = {};
    peer.announce(1);
    peer.runFor(10 * MS);
    expect([device.paths.length, device.rivals.length]).toEqual([2, 0]);
  });

  test("one of two paths that leads to another disk after an announcement is left, and the other one serves on", () => {
    const peer = new Scripted({ links: 2 });
    const notices: string[] = [];
    peer.initiator.onNotice = (sentence) => notices.push(sentence);
    const device = peer.find();
    expect(device.paths.length).toBe(2);
    peer.saysBy[0] = { serial: "another" };
    peer.announce(0);
    peer.runFor(MS);
    peer.seen.length = 0;
    for (let lba = 0; lba < 20; lba++) {
      const command = makeCommand(WRITE, lba, 1);
      device.submit(command);
      peer.run(() => !command.busy, S);
      expect(command.outcome).toBe(OK);
    }
    expect(peer.seen.filter(({ port }) => port === 0)).toEqual([]);
    expect(notices).toEqual([
      "e7.3 is claimed by two targets: 02:00:00:00:02:01 (serial scripted, 1024 sectors) and 02:00:00:00:02:00 (serial another, 1024 sectors); only 02:00:00:00:02:01 is used",
    ]);
  });
});
