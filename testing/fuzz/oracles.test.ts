// The oracles themselves: each tells what it is there for, and nothing of what is right.

import { describe, expect, test } from "bun:test";

import { Command, TIMEOUT, OK } from "../../initiator/protocol/command.ts";
import { Device } from "../../initiator/protocol/device.ts";
import type { Link, TxBuffer } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import { Duplicates } from "../../target/protocol/duplicates.ts";
import { readFrame, writeFrame } from "../doubles/probe.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import { toBytes } from "../../wire/frame.ts";
import { malformed } from "../../wire/malformed.ts";
import { createRandom } from "../../words/random.ts";
import { packetsOf } from "./capture_surface.ts";
import { BAD, EvilTarget, GOOD } from "./evil_target.ts";
import { fuzz } from "./fuzz.ts";
import { type Caller, GUARD, GUARDED, judge, UNREAD } from "./initiator_surface.ts";
import { nbdSurface } from "./nbd_surface.ts";
import type { Surface } from "./surface.ts";
import { targetSurface } from "./target_surface.ts";
import { CONTROL, IDENTIFY, READ, WRITE } from "../../initiator/protocol/operation.ts";

/** What `surface` finds in `cases` cases while `name` of a class is replaced. */
async function foundWith<Owner extends object, Name extends keyof Owner>(
  surface: Surface,
  cases: number,
  owner: Owner,
  name: Name,
  property: PropertyDescriptor,
): Promise<string> {
  const old = Object.getOwnPropertyDescriptor(owner, name);
  if (old === undefined) throw new Error(`there is no ${String(name)} to replace`);
  Object.defineProperty(owner, name, { ...old, ...property });
  try {
    const { findings } = await fuzz([surface], 20_261_123, (_, run) => run >= cases);
    return findings.map(({ message }) => message).join("\n");
  } finally {
    Object.defineProperty(owner, name, old);
  }
}

describe("target", () => {
  test("a late copy that is carried out shows in the store before it is read", async () => {
    const value = () => -1;
    const found = await foundWith(targetSurface, 60, Duplicates.prototype, "find", { value });
    expect(found).toContain("the store differs after");
  }, 60_000);

  test("a request that stays in service is told at the end", async () => {
    const { complete } = Duplicates.prototype;
    const value = function (this: Duplicates, ...given: Parameters<typeof complete>): void {
      complete.apply(this, given);
      this.inService++;
    };
    const found = await foundWith(targetSurface, 20, Duplicates.prototype, "complete", { value });
    expect(found).toContain("P28 still holds a request as in service");
  }, 60_000);
});

test("nbd: a request that is left at the device is told", async () => {
  const found = await foundWith(nbdSurface, 3, Device.prototype, "pending", { get: () => 1 });
  expect(found).toContain("1 requests are left");
});

test("captures: what follows a damage is told, and a file without an end", () => {
  const damage = malformed("pcap", "record", 0, "a record", "none");
  const reader = (...rest: (typeof damage | null)[]) => ({ next: () => rest.shift() ?? null });
  expect([...packetsOf(reader(damage, null), 100)]).toEqual([damage]);
  expect(() => [...packetsOf(reader(damage, damage), 100)]).toThrow("something follows the damage");
  const packet = { seconds: 0 } as never;
  const endless = { next: () => packet };
  expect(() => [...packetsOf(endless, 120)]).toThrow("12 packets in 120 bytes");
});

describe("the evil target fills with good data what may be taken, and nothing else", () => {
  const clock = createVirtualClock();
  const [a, b] = createMemoryPair({ clock, mtu: 1500 });
  let sent: Uint8Array = new Uint8Array(0);
  const link: Link = Object.assign(Object.create(b) as Link, {
    allocate: (size: number) => b.allocate(size),
    transmit(buffer: TxBuffer, length: number): boolean {
      sent = buffer.bytes.slice(0, length);
      return true;
    },
  });
  const evil = new EvilTarget(link, createRandom(1), 7, 3, 100);
  const ask = (bytes: Uint8Array): void => {
    const view = new DataView(bytes.buffer);
    evil.visit({ bytes, view, base: 0, length: bytes.length, address: 0, addressed: 0, at: 0 });
  };
  const read = toBytes(readFrame(0, 2, { to: b.mac, from: a.mac, tag: 5 }));
  const WHOLE = ata.LENGTH + 1024;
  const answer = (change: (view: DataView) => void, length = WHOLE): number => {
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    bytes.set(read.subarray(0, ata.LENGTH));
    bytes.set(read.subarray(6, 12), 0);
    bytes.set(read.subarray(0, 6), 6);
    bytes[aoe.VERSION_FLAGS] = 0x18;
    bytes[ata.COMMAND] = ata.STATUS_DRDY;
    change(view);
    evil.send(bytes);
    return sent[ata.LENGTH] ?? -1;
  };

  test.each<[string, number, (view: DataView) => void, number]>([
    ["as it should be", GOOD, () => {}, WHOLE],
    ["a failure of the disk", BAD, (view) => view.setUint8(ata.COMMAND, 0x41), WHOLE],
    ["a disk that is busy", BAD, (view) => view.setUint8(ata.COMMAND, 0x80), WHOLE],
    ["another command's", BAD, (view) => view.setUint8(aoe.COMMAND, aoe.COMMAND_MASK), WHOLE],
    ["an AoE error", BAD, (view) => view.setUint8(aoe.VERSION_FLAGS, 0x1c), WHOLE],
    ["a request", BAD, (view) => view.setUint8(aoe.VERSION_FLAGS, 0x10), WHOLE],
    ["another version", BAD, (view) => view.setUint8(aoe.VERSION_FLAGS, 0x28), WHOLE],
    ["another shelf", BAD, (view) => view.setUint16(aoe.MAJOR, 8), WHOLE],
    ["another slot", BAD, (view) => view.setUint8(aoe.MINOR, 4), WHOLE],
    ["from a group", BAD, (view) => view.setUint8(6, 0x03), WHOLE],
    ["a sector too few", BAD, () => {}, ata.LENGTH + 512],
  ])("%s", (_, fill, change, length) => {
    ask(read.slice());
    expect(answer(change, length)).toBe(fill);
  });

  test("a write's answer is left as it is", () => {
    ask(toBytes(writeFrame(0, new Uint8Array(512), { to: b.mac, from: a.mac, tag: 5 })));
    expect(answer(() => {})).toBe(0);
  });
});

describe("a caller's memory", () => {
  const SIZE = 1024;
  function caller(operation: number, outcome: number, change: (inner: Uint8Array) => void): Caller {
    const command = new Command();
    command.operation = operation;
    command.outcome = outcome;
    command.sectors = SIZE / 512;
    const memory = new Uint8Array(GUARD + SIZE + GUARD).fill(GUARDED);
    const inner = memory.subarray(GUARD, GUARD + SIZE);
    inner.fill(UNREAD);
    command.memory = { bytes: inner, view: new DataView(memory.buffer, GUARD, SIZE), address: 0 };
    const before = memory.slice();
    if (operation === READ && outcome === OK) inner.fill(GOOD);
    change(memory);
    return { command, memory, before, ended: 1 };
  }
  const end = GUARD + SIZE;

  test.each<[string, number, number, (memory: Uint8Array) => void, string | null]>([
    ["a good read", READ, OK, () => {}, null],
    ["a byte that never came", READ, OK, (m) => m.fill(UNREAD, end - 1, end), "0x11 at 1023"],
    ["a byte of a bad answer", READ, OK, (m) => m.fill(BAD, GUARD, GUARD + 1), "must not be taken"],
    ["a failed read in part", READ, TIMEOUT, (m) => m.fill(GOOD, GUARD, GUARD + 512), null],
    ["a failed read's bad data", READ, TIMEOUT, (m) => m.fill(BAD, GUARD, GUARD + 9), "holds 0xbd"],
    ["a byte behind", READ, OK, (m) => m.fill(0, end, end + 1), "byte 1024 of memory"],
    ["a byte before", READ, OK, (m) => m.fill(0, GUARD - 1, GUARD), "byte -1 of memory"],
    ["a write's own data", WRITE, OK, (m) => m.fill(0, GUARD, GUARD + 1), "byte 0 of memory"],
    ["IDENTIFY's sector", IDENTIFY, OK, (m) => m.fill(0, GUARD, GUARD + 512), null],
    ["behind IDENTIFY's", IDENTIFY, OK, (m) => m.fill(0, GUARD + 512, GUARD + 513), "byte 512"],
    ["a control answer", CONTROL, OK, (m) => m.fill(0, GUARD, end), null],
    ["behind a control answer", CONTROL, OK, (m) => m.fill(0, end, end + 1), "byte 1024"],
  ])("%s", (_, operation, outcome, change, said) => {
    const judged = () => judge(caller(operation, outcome, change));
    if (said === null) expect(judged).not.toThrow();
    else expect(judged).toThrow(said);
  });
});
