// 10,000 frames that nobody should send: random bytes, and every kind of request mutated and cut. No crash, no
// write that was not asked for, no answer that a rule doesn't allow. The seed is printed; FUZZ_SEED repeats it.

import { expect, test } from "bun:test";

import { createRandom, type Random } from "../../words/random.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import * as ethernet from "../../wire/ethernet.ts";
import { type Frame, isError, isResponse, length, toBytes } from "../../wire/frame.ts";
import { isGroup } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { EMPTY_STATE } from "./export.ts";
import {
  ataFrame,
  configFrame,
  createProbe,
  frame,
  MAJOR,
  MINOR,
  maskFrame,
  OTHER,
  OURS,
  OURS_TOO,
  PEER,
  pattern,
  readFrame,
  reserveFrame,
  SECTORS,
  writeFrame,
} from "../../testing/doubles/probe.ts";

const FRAMES = 10_000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(performance.now() * 1e6) % 2 ** 32);

const HEADER: Readonly<Record<number, number>> = {
  [aoe.COMMAND_ATA]: ata.LENGTH,
  [aoe.COMMAND_CONFIG]: config.LENGTH,
  [aoe.COMMAND_MASK]: mask.LENGTH,
  [aoe.COMMAND_RESERVE]: reserve.LENGTH,
};

/** A request of any kind, with values at and beyond their borders. */
function grammar(random: Random): Frame {
  const pick = <T>(...values: readonly T[]): T => values[random.below(values.length)] as T;
  const lba = pick(0, 1, SECTORS - 1, SECTORS, 2 ** 28 - 1, 2 ** 32, 2 ** 48 - 1);
  const envelope = {
    tag: random.next(),
    from: pick(PEER, PEER, OTHER),
    to: pick(OURS, OURS, OURS_TOO, 0xffff_ffff_ffff),
    major: pick(MAJOR, MAJOR, MAJOR, aoe.ANY_MAJOR, 0),
    minor: pick(MINOR, MINOR, MINOR, aoe.ANY_MINOR, 0),
  };
  switch (random.below(8)) {
    case 0:
      return readFrame(lba, pick(0, 1, 2, 3, 255), envelope);
    case 1:
      return writeFrame(lba, pattern(pick(0, 1, 2, 3), random.next()), envelope);
    case 2:
      return ataFrame({ command: random.below(256), count: random.below(256), lba }, envelope);
    case 3:
      return configFrame(random.below(16), "x".repeat(random.below(1100)), envelope);
    case 4:
      return maskFrame(
        random.below(4),
        Array.from({ length: random.below(256) }, () => [random.below(4), random.next()] as const),
        envelope,
      );
    case 5:
      return reserveFrame(
        random.below(5),
        Array.from({ length: random.below(256) }, () => random.next()),
        envelope,
      );
    default:
      return frame(
        random.below(256),
        { kind: "vendor" },
        envelope,
        new Uint8Array(random.below(100)),
      );
  }
}

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const changes = random.below(4);
  for (let change = 0; change < changes; change++) {
    const at = random.below(Math.min(bytes.length, 64));
    bytes[at] = random.below(3) === 0 ? 0xff : random.below(256);
  }
  const length = random.below(3);
  if (length === 0) return bytes.slice(0, 14 + random.below(bytes.length - 13));
  if (length === 1 || random.below(20) > 0) return bytes;
  const longer = new Uint8Array(bytes.length + random.below(65_550 - bytes.length));
  longer.set(bytes);
  return longer;
}

function randomBytes(random: Random): Uint8Array {
  const bytes = new Uint8Array(14 + random.below(1500));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  // Half of them get past the first checks.
  if (random.below(2) === 0) ethernet.write(new DataView(bytes.buffer), 0, OURS, PEER);
  return bytes;
}

/** What the rules promise about the answers to `sent`, whatever it is. */
function judge(sent: Uint8Array, answers: readonly Frame[], mtu: number): void {
  const view = new DataView(sent.buffer, sent.byteOffset, sent.length);
  const destination = sent.length >= 14 ? ethernet.destination(view, 0) : -1;
  const group = destination >= 0 && isGroup(destination);
  expect(answers.length).toBeLessThanOrEqual(group ? 2 : 1);
  if (answers.length === 0) return;
  // P30, P3, P4, P32: what may be answered at all.
  expect(sent.length).toBeGreaterThanOrEqual(aoe.LENGTH);
  expect(ethernet.type(view, 0)).toBe(ethernet.ETHERTYPE_AOE);
  expect(aoe.isResponse(view, 0)).toBe(false);
  expect([MAJOR, aoe.ANY_MAJOR]).toContain(aoe.major(view, 0));
  expect([MINOR, aoe.ANY_MINOR]).toContain(aoe.minor(view, 0));
  const command = aoe.command(view, 0);
  for (const answer of answers) {
    // P5.
    expect(isResponse(answer)).toBe(true);
    expect(answer.aoe).toMatchObject({
      version: 1,
      major: MAJOR,
      minor: MINOR,
      command,
      tag: aoe.tag(view, 0),
    });
    expect(answer.ethernet.destination).toBe(ethernet.source(view, 0));
    expect(length(answer)).toBeGreaterThanOrEqual(60);
    expect(length(answer)).toBeLessThanOrEqual(ethernet.LENGTH + mtu);
    if (aoe.version(view, 0) !== 1) {
      expect(answer.aoe.error).toBe(aoe.ERROR_VERSION);
      continue;
    }
    if (command > aoe.COMMAND_RESERVE) {
      expect(answer.aoe.error).toBe(aoe.ERROR_UNRECOGNIZED);
      continue;
    }
    expect(sent.length).toBeGreaterThanOrEqual(HEADER[command] ?? 0);
    if (isError(answer)) expect(answer.aoe.error).toBeWithin(1, 7);
    else expect(answer.aoe.error).toBe(0);
    if (answer.body.kind === "ata" && !isError(answer)) {
      const status = answer.body.command;
      expect([ata.STATUS_DRDY, ata.STATUS_DRDY | ata.STATUS_ERR]).toContain(status);
    }
  }
}

test(`${FRAMES} random, mutated and truncated frames (seed ${seed})`, () => {
  console.log(`fuzz: seed ${seed}, FUZZ_SEED=${seed} repeats it`);
  const random = createRandom(seed);
  let answered = 0;
  let written = 0;
  for (let round = 0; round < 20; round++) {
    // Frames may be longer than what the interface sends itself.
    const mtu = [1500, 1500, 534, 9000, 65_521][round % 5] as number;
    const service = round % 2 === 0 ? {} : { service: "delay:10us" };
    const probe = createProbe({ mtu, peerMtu: 65_536, ...service });
    const bare = probe.store.write;
    let allowed = false;
    const store = probe.store as {
      -readonly [Key in keyof typeof probe.store]: (typeof probe.store)[Key];
    };
    store.write = (lba, sectors, memory, offset, token) => {
      // Only a well-formed write to our own address may come this far.
      expect(allowed).toBe(true);
      expect(lba + sectors).toBeLessThanOrEqual(SECTORS);
      written++;
      return bare(lba, sectors, memory, offset, token);
    };
    for (let count = 0; count < FRAMES / 20; count++) {
      const bytes =
        random.below(3) === 0 ? randomBytes(random) : mutate(toBytes(grammar(random)), random);
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      // Mask lists and reservations that random frames set would lock the rest out.
      if (count % 5 === 0) probe.owner.state = EMPTY_STATE;
      allowed =
        bytes.length >= ata.LENGTH &&
        aoe.command(view, 0) === aoe.COMMAND_ATA &&
        aoe.version(view, 0) === 1 &&
        !aoe.isResponse(view, 0) &&
        aoe.major(view, 0) === MAJOR &&
        aoe.minor(view, 0) === MINOR &&
        (ata.command(view, 0) === ata.WRITE || ata.command(view, 0) === ata.WRITE_EXT) &&
        bytes.length >= ata.LENGTH + 512 * ata.count(view, 0);
      probe.send(bytes);
      const answers = probe.run(10e3);
      judge(bytes, answers, mtu);
      answered += answers.length;
    }
    expect(probe.run(1e9)).toHaveLength(0);
    expect(probe.target.inHand).toBe(0);
  }
  // The grammar reaches what it is meant to reach.
  expect(answered).toBeGreaterThan(FRAMES / 20);
  expect(written).toBeGreaterThan(10);
});
