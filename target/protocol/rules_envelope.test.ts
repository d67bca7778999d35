// P1–P8, P18–P20, P30–P34: what holds for every command.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { type Frame, isError, length, toBytes } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { Export } from "./export.ts";
import type { PortCounters } from "./counters.ts";
import {
  ataFrame,
  ataOf,
  configFrame,
  configOf,
  createProbe,
  discovery,
  frame,
  MAJOR,
  MINOR,
  maskFrame,
  OTHER,
  OURS,
  OURS_TOO,
  PEER,
  pattern,
  type Probe,
  readFrame,
  reserveFrame,
  reserveOf,
  SECTORS,
  textOf,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";

function counters(probe: Probe): PortCounters {
  return (probe.target.ports[0] as Probe["target"]["ports"][number]).counters;
}

/** One request of each command, none of which changes anything. */
const COMMANDS: readonly (readonly [string, (envelope?: object) => Frame])[] = [
  ["read", (envelope) => readFrame(5, 2, envelope)],
  ["identify", (envelope) => ataFrame({ command: ata.IDENTIFY, count: 1 }, envelope)],
  ["config", (envelope) => configFrame(config.READ, "", envelope)],
  ["mask", (envelope) => maskFrame(mask.READ, [], envelope)],
  ["reserve", (envelope) => reserveFrame(reserve.READ, [], envelope)],
];

describe("the envelope", () => {
  test("P1: reserved bits are ignored in what comes and zero in what is sent", () => {
    const probe = createProbe();
    const bytes = toBytes(
      ataFrame({ lba: 1, count: 1, flags: 0xff, reserved: 0xffff }, { flags: 0x3 }),
    );
    const answer = probe.answer(bytes);
    expect(answer.aoe.flags).toBe(aoe.FLAG_RESPONSE);
    expect(ataOf(answer).flags).toBe(0x53);
    expect(ataOf(answer).reserved).toBe(0);
    const masks = toBytes(maskFrame(mask.READ));
    masks[mask.RESERVED] = 0xff;
    expect(probe.answer(masks).body).toMatchObject({ kind: "mask", reserved: 0 });
  });

  test("P2: a message stands alone, and the target never repeats an answer by itself", () => {
    const probe = createProbe();
    expect(probe.ask(readFrame(0, 1))).toHaveLength(1);
    expect(probe.run(60e9)).toHaveLength(0);
  });

  test.each(COMMANDS)("P3: a response is ignored (%s)", (_name, make) => {
    const probe = createProbe();
    expect(probe.ask(make({ flags: aoe.FLAG_RESPONSE }))).toHaveLength(0);
    expect(probe.ask(make({ flags: aoe.FLAG_RESPONSE | aoe.FLAG_ERROR }))).toHaveLength(0);
    expect(counters(probe).responses).toBe(2);
  });

  test.each(COMMANDS)("P4: only its own address or a wildcard is answered (%s)", (_name, make) => {
    const probe = createProbe();
    for (const [major, minor, answers] of [
      [MAJOR, MINOR, 1],
      [aoe.ANY_MAJOR, MINOR, 1],
      [MAJOR, aoe.ANY_MINOR, 1],
      [aoe.ANY_MAJOR, aoe.ANY_MINOR, 1],
      [MAJOR + 1, MINOR, 0],
      [MAJOR, MINOR + 1, 0],
      [aoe.ANY_MAJOR, MINOR + 1, 0],
      [MAJOR + 1, aoe.ANY_MINOR, 0],
      [MINOR, MAJOR, 0],
    ] as const) {
      expect(probe.ask(make({ major, minor })), `${major}.${minor}`).toHaveLength(answers);
    }
    expect(counters(probe).otherAddress).toBe(5);
  });

  test.each(COMMANDS)(
    "P5: a response swaps the MACs and echoes tag and command (%s)",
    (_name, make) => {
      const probe = createProbe();
      for (const to of [OURS, BROADCAST]) {
        const request = make({ to, major: aoe.ANY_MAJOR, minor: aoe.ANY_MINOR, tag: 0xcafe_0001 });
        // A broadcast reaches both of the target's interfaces; each answers with its own address.
        const answers = probe.ask(request);
        expect(answers.map((answer) => answer.ethernet.source)).toEqual(
          to === OURS ? [OURS] : [OURS, OURS_TOO],
        );
        for (const answer of answers) {
          expect(answer.ethernet.destination).toBe(PEER);
          expect(answer.aoe).toMatchObject({
            version: 1,
            flags: aoe.FLAG_RESPONSE,
            error: 0,
            major: MAJOR,
            minor: MINOR,
            command: request.aoe.command,
            tag: 0xcafe_0001,
          });
        }
      }
    },
  );

  test("P6: every interface answers with its own address, so that discovery finds each path", () => {
    const probe = createProbe();
    const sources = probe.ask(discovery()).map((answer) => answer.ethernet.source);
    expect(sources).toEqual([OURS, OURS_TOO]);
    expect(probe.answer(readFrame(0, 1, { to: OURS_TOO })).ethernet.source).toBe(OURS_TOO);
  });

  test.each(COMMANDS)(
    "P7: a version other than 1 gets error 5, and silence when broadcast (%s)",
    (_name, make) => {
      const probe = createProbe();
      for (const version of [0, 2, 15]) {
        const answer = probe.answer(make({ version }));
        expect(answer.aoe).toMatchObject({ version: 1, error: aoe.ERROR_VERSION });
        expect(isError(answer)).toBe(true);
        expect(probe.ask(make({ version, to: BROADCAST }))).toHaveLength(0);
      }
    },
  );

  test("P8: unknown and vendor commands get error 1, and only the header", () => {
    const probe = createProbe();
    for (const command of [4, 5, 0x7f, 0xef, 0xf0, 0xff]) {
      const request = frame(command, { kind: "vendor" }, {}, new Uint8Array(64).fill(0xee));
      const answer = probe.answer(request);
      expect(answer.aoe).toMatchObject({ command, error: aoe.ERROR_UNRECOGNIZED });
      expect(isError(answer)).toBe(true);
      expect(length(answer)).toBe(60);
      expect(answer.rest.every((byte) => byte === 0)).toBe(true);
    }
  });

  test("P18: short answers are padded with zeros to 60 bytes, and requests may carry more than they say", () => {
    const probe = createProbe();
    // Dirty the one buffer with data first, so that stale bytes would show.
    probe.store.bytes.fill(0xdd);
    probe.answer(readFrame(0, 2));
    for (const request of [
      configFrame(config.READ),
      maskFrame(mask.READ),
      reserveFrame(reserve.READ),
      ataFrame({ command: ata.CHECK_POWER }),
      ataFrame({ command: 0x99 }),
    ]) {
      const answer = probe.answer(request);
      expect(length(answer)).toBe(60);
      expect(answer.rest.every((byte) => byte === 0)).toBe(true);
    }
    const trailing = new Uint8Array(700);
    trailing.set(toBytes(readFrame(3, 1)));
    expect(ataOf(probe.answer(trailing)).command).toBe(ata.STATUS_DRDY);
    const write = toBytes(writeFrame(3, pattern(1, 9)));
    const longer = new Uint8Array(write.length + 100).fill(0x77);
    longer.set(write);
    expect(ataOf(probe.answer(longer)).command).toBe(ata.STATUS_DRDY);
    expect(probe.store.bytes.slice(3 * 512, 4 * 512)).toEqual(pattern(1, 9));
    expect(probe.store.bytes[4 * 512]).toBe(0xdd);
  });

  test("P18: a successful answer echoes AFlags, count and LBA of its request", () => {
    const probe = createProbe();
    const flags = ata.FLAG_EXTENDED | ata.FLAG_DEVICE | ata.FLAG_ASYNC;
    const answer = ataOf(probe.answer(ataFrame({ flags, lba: 777, count: 2 })));
    expect(answer).toMatchObject({ flags, lba: 777, count: 2, feature: 0 });
    const wrote = ataOf(probe.answer(writeFrame(12, pattern(2, 1))));
    expect(wrote).toMatchObject({ flags: 0x41, lba: 12, count: 2, command: ata.STATUS_DRDY });
  });

  test("P19: a tag of any value comes back untouched", () => {
    const probe = createProbe();
    for (const tag of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xc000_0001, 0xffff_ffff]) {
      expect(probe.answer(readFrame(0, 1, { tag })).aoe.tag).toBe(tag);
      expect(probe.answer(writeFrame(0, pattern(1, 1), { tag })).aoe.tag).toBe(tag);
    }
  });

  test("P20: 65535 and 255 are not addresses that an export may have", () => {
    const store = createMemoryStore(1);
    expect(() => new Export({ major: 0xffff, minor: 0, store })).toThrow();
    expect(() => new Export({ major: 0, minor: 0xff, store })).toThrow();
    expect(new Export({ major: 0xfffe, minor: 0xfe, store }).minor).toBe(0xfe);
  });

  test("P30: a frame too short for its command's header is met with silence", () => {
    const probe = createProbe();
    for (const [command, header] of [
      [aoe.COMMAND_ATA, ata.LENGTH],
      [aoe.COMMAND_CONFIG, config.LENGTH],
      [aoe.COMMAND_MASK, mask.LENGTH],
      [aoe.COMMAND_RESERVE, reserve.LENGTH],
      [0xf0, aoe.LENGTH],
    ] as const) {
      const whole = toBytes(frame(command, { kind: "vendor" }));
      for (let bytes = 14; bytes < header; bytes++) {
        expect(probe.ask(whole.slice(0, bytes)), `${command}: ${bytes}`).toHaveLength(0);
      }
      expect(counters(probe).short).toBe(header - 14);
      counters(probe).short = 0;
      expect(probe.ask(whole.slice(0, header)), `${command}: ${header}`).toHaveLength(1);
    }
  });

  test("P31: an error carries the request's header and no memory that nobody named", () => {
    const probe = createProbe();
    probe.store.bytes.fill(0xdd);
    probe.answer(readFrame(0, 2));
    probe.answer(configFrame(config.SET, "ours"));
    const config4 = probe.answer(configFrame(config.SET, "another, longer string"));
    expect(config4.aoe.error).toBe(aoe.ERROR_CONFIG_PRESENT);
    expect(textOf(config4)).toBe("ours");
    const request = { flags: ata.FLAG_EXTENDED, feature: 0x5a, lba: 0x1234, count: 200 };
    const argument = probe.answer(ataFrame(request));
    expect(argument.aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(ataOf(argument)).toMatchObject({ ...request, command: ata.READ_EXT });
    for (const answer of [config4, argument]) {
      expect(length(answer)).toBe(60);
      expect(answer.rest.every((byte) => byte === 0)).toBe(true);
    }
    probe.answer(reserveFrame(reserve.SET, [OTHER]));
    const reserved = probe.answer(reserveFrame(reserve.SET, [PEER, PEER]));
    expect(reserved.aoe.error).toBe(aoe.ERROR_RESERVED);
    expect(reserveOf(reserved).macs).toEqual([OTHER]);
  });

  test("P32: frames for other hosts and from impossible addresses are dropped and counted", () => {
    const probe = createProbe();
    const stranger: Mac = 0x0200_0000_0099;
    for (const [, make] of COMMANDS) {
      // The memory link's switch floods an unknown address to every port, as a veth would.
      expect(probe.ask(make({ to: stranger }))).toHaveLength(0);
      for (const from of [0, BROADCAST, 0x0100_5e00_0001]) {
        expect(probe.ask(make({ from }))).toHaveLength(0);
      }
    }
    expect(counters(probe).otherHost).toBe(COMMANDS.length);
    expect(counters(probe).badSource).toBe(3 * COMMANDS.length);
    // A multicast reaches this host, and is a request like another.
    expect(probe.ask(readFrame(0, 1, { to: 0x0100_5e00_0001 }))).toHaveLength(2);
  });

  test("P32: on the loopback, where our own address is zero, that of others may be", () => {
    const probe = createProbe();
    probe.network.setMac(0, 0);
    for (const [, make] of COMMANDS) {
      probe.send(make({ from: 0, to: 0 }));
      probe.run(1e6);
      expect(probe.ask(make({ from: BROADCAST, to: 0 }))).toHaveLength(0);
    }
    expect(counters(probe).badSource).toBe(COMMANDS.length);
    expect(counters(probe).answered).toBe(COMMANDS.length);
    // Not so at the other interface.
    expect(probe.ask(readFrame(0, 1, { from: 0, to: OURS_TOO }))).toHaveLength(0);
    expect(probe.target.ports[1]?.counters.badSource).toBeGreaterThan(0);
  });

  test("P33: a wildcard write or set of any kind is met with silence and changes nothing", () => {
    const probe = createProbe();
    for (const [major, minor] of [
      [aoe.ANY_MAJOR, aoe.ANY_MINOR],
      [MAJOR, aoe.ANY_MINOR],
      [aoe.ANY_MAJOR, MINOR],
    ] as const) {
      const wild = { major, minor };
      counters(probe).wildcardWrites = 0;
      for (const request of [
        writeFrame(0, pattern(1, 1), wild),
        ataFrame({ command: ata.WRITE, count: 0 }, wild),
        configFrame(config.SET, "x", wild),
        configFrame(config.FORCE_SET, "x", wild),
        maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, PEER]], wild),
        reserveFrame(reserve.SET, [PEER], wild),
        reserveFrame(reserve.FORCE_SET, [PEER], wild),
      ]) {
        expect(probe.ask(request)).toHaveLength(0);
      }
      expect(counters(probe).wildcardWrites).toBe(7);
      for (const request of [
        readFrame(0, 1, wild),
        ataFrame({ command: ata.FLUSH_EXT }, wild),
        configFrame(config.TEST, "", wild),
        configFrame(config.TEST_PREFIX, "", wild),
      ]) {
        expect(probe.ask(request)).toHaveLength(1);
      }
    }
    expect(probe.store.bytes.every((byte) => byte === 0)).toBe(true);
    expect(probe.owner.state).toEqual({ config: new Uint8Array(0), masks: [], reservation: [] });
  });
});

describe("P34", () => {
  /** Each step breaks its own rule and every rule behind it; the outcome must be its own. */
  test("P34: the order of checks", () => {
    const probe = createProbe({
      exported: {
        state: { config: new Uint8Array(0), masks: [PEER], reservation: [OTHER] },
      },
    });
    const seen = counters(probe);
    const masked: Mac = 0x0200_0000_0055;
    const tooShort = (request: Frame, bytes: number): Uint8Array =>
      toBytes(request).slice(0, bytes);
    type Silence = keyof PortCounters;
    const steps: [string, Frame | Uint8Array, Silence | number][] = [
      // A response before anything else, however short.
      ["P3", tooShort(ataFrame({}, { flags: 8, from: BROADCAST }), 18), "responses"],
      ["length", tooShort(ataFrame({}, { from: BROADCAST, major: 9 }), 23), "short"],
      ["P32", ataFrame({}, { from: BROADCAST, major: 9 }), "badSource"],
      ["P4", ataFrame({}, { from: masked, major: 9, version: 3 }), "otherAddress"],
      ["mask", ataFrame({}, { from: masked, version: 3, command: 0x44 }), "masked"],
      ["P7", tooShort(ataFrame({}, { version: 3, command: 0x44 }), 24), aoe.ERROR_VERSION],
      ["P8", tooShort(ataFrame({}, { command: 0x44 }), 24), aoe.ERROR_UNRECOGNIZED],
      [
        "P30",
        tooShort(ataFrame({ command: ata.WRITE_EXT }, { major: aoe.ANY_MAJOR }), 35),
        "short",
      ],
      [
        "P33",
        ataFrame({ command: ata.WRITE_EXT, count: 200, lba: SECTORS }, { major: aoe.ANY_MAJOR }),
        "wildcardWrites",
      ],
      ["P16", ataFrame({ command: ata.WRITE_EXT, count: 200, lba: SECTORS }), aoe.ERROR_RESERVED],
    ];
    for (const [name, request, outcome] of steps) {
      const before = { ...seen };
      const answers = probe.ask(request);
      if (typeof outcome === "number") {
        expect(
          answers.map((answer) => answer.aoe.error),
          name,
        ).toEqual([outcome]);
      } else {
        expect(answers, name).toHaveLength(0);
        expect(seen[outcome], name).toBe(before[outcome] + 1);
        // And only there.
        for (const key of Object.keys(before) as Silence[]) {
          // Every frame counts as received, whatever becomes of it.
          if (key !== outcome && !/^(?:received|broadcasts)/.test(key))
            expect(seen[key], `${name}: ${key}`).toBe(before[key]);
        }
      }
    }
    // Reservation gone: arguments (P23 before P24), then the range.
    probe.answer(reserveFrame(reserve.FORCE_SET));
    const tooMany = probe.answer(ataFrame({ count: 200, lba: SECTORS }));
    expect(tooMany.aoe.error).toBe(aoe.ERROR_ARGUMENT);
    const tooLittle = probe.answer(
      ataFrame({ command: ata.WRITE_EXT, count: 2, lba: SECTORS }, {}, new Uint8Array(512)),
    );
    expect(tooLittle.aoe.error).toBe(aoe.ERROR_ARGUMENT);
    const beyond = probe.answer(readFrame(SECTORS, 1));
    expect(beyond.aoe.error).toBe(0);
    expect(ataOf(beyond).feature).toBe(ata.ERROR_IDNF);
    expect(configOf(probe.answer(configFrame(config.READ))).bufferCount).toBe(64);
  });
});
