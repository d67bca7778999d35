// P9–P11, P13, P16, P17, P29, and the peers' bugs in config, mask and reserve commands. Long, as a
// list of rules is.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as config from "../../wire/config.ts";
import { isError, length, toBytes } from "../../wire/frame.ts";
import { BROADCAST, type Mac } from "../../wire/mac.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import type { ExportState } from "./export.ts";
import { LEAST_MTU } from "../../wire/ata.ts";
import {
  configFrame,
  configOf,
  createProbe,
  discovery,
  frame,
  MAJOR,
  MINOR,
  maskFrame,
  maskOf,
  OTHER,
  OURS,
  OURS_TOO,
  PEER,
  type Probe,
  readFrame,
  reserveFrame,
  reserveOf,
  textOf,
} from "../../testing/doubles/probe.ts";
import { Export } from "./export.ts";
import { createMemoryStore } from "../stores/memory.ts";

function withState(
  state: Partial<ExportState>,
  more: Parameters<typeof createProbe>[0] = {},
): Probe {
  return createProbe({
    ...more,
    exported: {
      ...more.exported,
      state: { config: new Uint8Array(0), masks: [], reservation: [], ...state },
    },
  });
}

const text = (string: string): Uint8Array => new TextEncoder().encode(string);

/** `count` different MACs. */
function macs(count: number): Mac[] {
  return Array.from({ length: count }, (_, index) => 0x0200_0000_1000 + index);
}

describe("query config", () => {
  test("P9: a read is always answered, its length field ignored", () => {
    const probe = withState({ config: text("ours") });
    const request = toBytes(configFrame(config.READ));
    for (const said of [0, 4, 1024, 0xffff]) {
      new DataView(request.buffer).setUint16(config.STRING_LENGTH, said);
      expect(textOf(probe.answer(request))).toBe("ours");
      // aoeping's: 60 bytes or fewer, length 1024.
      expect(probe.ask(request.slice(0, config.LENGTH))).toHaveLength(1);
    }
  });

  test("P9: a test is answered only where length and bytes are equal, a prefix test for any prefix", () => {
    const probe = withState({ config: text("lab disk") });
    for (const [command, string, answers] of [
      [config.TEST, "lab disk", 1],
      [config.TEST, "lab", 0],
      [config.TEST, "", 0],
      [config.TEST, "lab disk 2", 0],
      [config.TEST, "lab dish", 0],
      [config.TEST_PREFIX, "lab disk", 1],
      [config.TEST_PREFIX, "lab", 1],
      [config.TEST_PREFIX, "", 1],
      [config.TEST_PREFIX, "lab disk 2", 0],
      [config.TEST_PREFIX, "disk", 0],
    ] as const) {
      const frames = probe.ask(configFrame(command, string));
      expect(frames, `${command} ${string}`).toHaveLength(answers);
      for (const answer of frames) expect(textOf(answer)).toBe("lab disk");
    }
  });

  test("P9: set works where our string is empty or the same, else error 4 and nothing changed", () => {
    const probe = createProbe();
    expect(textOf(probe.answer(configFrame(config.SET, "first")))).toBe("first");
    const same = probe.answer(configFrame(config.SET, "first", { tag: 2 }));
    expect(same.aoe.error).toBe(0);
    expect(textOf(same)).toBe("first");
    const refused = probe.answer(configFrame(config.SET, "second"));
    expect(isError(refused)).toBe(true);
    expect(refused.aoe.error).toBe(aoe.ERROR_CONFIG_PRESENT);
    expect(textOf(refused)).toBe("first");
    expect(textOf(probe.answer(configFrame(config.FORCE_SET, "second", { tag: 3 })))).toBe(
      "second",
    );
    expect(textOf(probe.answer(configFrame(config.FORCE_SET, "", { tag: 4 })))).toBe("");
    expect(textOf(probe.answer(configFrame(config.SET, "third", { tag: 5 })))).toBe("third");
  });

  test("P9: a length over 1024 or beyond the frame is error 2, for all but a read", () => {
    const probe = createProbe({ mtu: 9000 });
    for (const command of [config.TEST, config.TEST_PREFIX, config.SET, config.FORCE_SET]) {
      const request = toBytes(configFrame(command, "x".repeat(1024)));
      const view = new DataView(request.buffer);
      expect(probe.ask(request.slice(0, -1))[0]?.aoe.error).toBe(aoe.ERROR_ARGUMENT);
      const longer = new Uint8Array(config.LENGTH + 1025);
      longer.set(request);
      new DataView(longer.buffer).setUint16(config.STRING_LENGTH, 1025);
      expect(probe.answer(longer).aoe.error).toBe(aoe.ERROR_ARGUMENT);
      // peer bug 5 (vblade): 32 bytes too lax, since it forgets the headers.
      view.setUint16(config.STRING_LENGTH, 1024);
      expect(probe.ask(request.slice(0, request.length - 32))[0]?.aoe.error).toBe(
        aoe.ERROR_ARGUMENT,
      );
    }
    expect(probe.owner.state.config).toHaveLength(0);
    expect(textOf(probe.answer(configFrame(config.SET, "y".repeat(1024))))).toBe("y".repeat(1024));
  });

  test("peer bug 5 (vblade): a config length that reaches behind the frame sets nothing", () => {
    const probe = createProbe();
    const request = toBytes(configFrame(config.SET, "z".repeat(100)));
    const cut = request.slice(0, request.length - 1);
    expect(probe.answer(cut).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(probe.owner.state.config).toHaveLength(0);
  });

  test("P9: a string that an interface could not answer with is not taken", () => {
    const probe = createProbe({ mtu: LEAST_MTU });
    const most = LEAST_MTU + 14 - config.LENGTH;
    expect(most).toBe(516);
    const fits = "s".repeat(most);
    expect(textOf(probe.answer(configFrame(config.SET, fits)))).toBe(fits);
    // Nor one that came over an interface with more room than the other has.
    for (const [wide, narrow] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const mixed = createProbe({ mtu: 9000 });
      mixed.network.setMtu(LEAST_MTU, narrow);
      mixed.run(10e6);
      const to = wide === 0 ? OURS : OURS_TOO;
      const over = mixed.answer(configFrame(config.SET, `${fits}s`, { to, tag: 1 }));
      expect(over.aoe.error).toBe(aoe.ERROR_ARGUMENT);
      expect(mixed.owner.state.config).toHaveLength(0);
      expect(textOf(mixed.answer(configFrame(config.SET, fits, { to, tag: 2 })))).toBe(fits);
    }
  });

  test("P10: a config answer carries buffer count, firmware, most sectors for the MTU of now, and our string", () => {
    const probe = withState({ config: text("ours") }, { exported: { bufferCount: 17 } });
    for (const request of [
      configFrame(config.READ),
      configFrame(config.TEST, "ours"),
      configFrame(config.SET, "theirs"),
    ]) {
      expect(configOf(probe.answer(request))).toMatchObject({
        bufferCount: 17,
        firmware: 1,
        sectorCount: 2,
        version: 1,
        command: (request.body as config.Config).command,
        stringLength: 4,
      });
    }
    probe.network.setMtu(9000);
    probe.run(1e6);
    expect(configOf(probe.answer(configFrame(config.READ))).sectorCount).toBe(17);
  });

  test("P12: a buffer count of 0 or 1 is one that no export can have (peer bug 13)", () => {
    const store = createMemoryStore(1);
    for (const bufferCount of [0, 1, -1, 65_536]) {
      expect(() => new Export({ major: 1, minor: 1, store, bufferCount })).toThrow();
    }
    const probe = createProbe({ exported: { bufferCount: 2 } });
    expect(configOf(probe.answer(configFrame(config.READ))).bufferCount).toBe(2);
  });

  test.each([
    [534, 1],
    [1045, 1],
    [1046, 2],
    [1500, 2],
    [9000, 17],
    [16_000, 31],
    [65_535, 127],
  ])("P13: MTU %d carries %d sectors (peer bug 9: torus says MTU / 512)", (mtu, most) => {
    const probe = createProbe({ mtu });
    expect(configOf(probe.answer(configFrame(config.READ))).sectorCount).toBe(most);
  });

  test("P13: an MTU that falls under 534 silences the interface until it rises again", () => {
    const probe = createProbe();
    probe.network.setMtu(LEAST_MTU - 1, 0);
    expect(probe.run(1e6)).toHaveLength(0);
    expect(probe.ask(configFrame(config.READ))).toHaveLength(0);
    expect(probe.ask(configFrame(config.READ, "", { to: OURS_TOO }))).toHaveLength(1);
    probe.network.setMtu(LEAST_MTU, 0);
    expect(probe.run(1e6).map((each) => configOf(each).sectorCount)).toEqual([1]);
    expect(probe.ask(configFrame(config.READ))).toHaveLength(1);
  });

  test("P29: an unknown CCmd is error 2 and changes nothing", () => {
    const probe = withState({ config: text("ours") });
    for (const command of [5, 9, 15]) {
      const answer = probe.answer(configFrame(command, "theirs"));
      expect(answer.aoe.error).toBe(aoe.ERROR_ARGUMENT);
      expect(textOf(answer)).toBe("ours");
    }
    expect(probe.owner.state.config).toEqual(text("ours"));
  });
});

describe("announcement", () => {
  test("P11: an export that appears, and an MTU that changes, are told to everyone (peer bug 3: version 1)", () => {
    const probe = createProbe();
    probe.target.addExport(new Export({ major: 9, minor: 1, store: createMemoryStore(10) }));
    const appeared = probe.run(1e6);
    expect(appeared.map((each) => each.ethernet.source)).toEqual([OURS, OURS_TOO]);
    for (const each of appeared) {
      expect(each.ethernet.destination).toBe(BROADCAST);
      expect(each.aoe).toEqual({
        version: 1,
        flags: aoe.FLAG_RESPONSE,
        error: 0,
        major: 9,
        minor: 1,
        command: aoe.COMMAND_CONFIG,
        tag: 0,
      });
      expect(configOf(each)).toMatchObject({
        bufferCount: 64,
        sectorCount: 2,
        version: 1,
        command: 0,
      });
      expect(length(each)).toBe(60);
    }
    probe.network.setMtu(9000, 0);
    const changed = probe.run(1e6);
    expect(changed.map((each) => [each.ethernet.source, each.aoe.major])).toEqual([
      [OURS, MAJOR],
      [OURS, 9],
    ]);
    expect(changed.map((each) => configOf(each).sectorCount)).toEqual([17, 17]);
  });

  test("P11: an address that changes is told, as a bond's failover changes it; answers come from it", () => {
    const probe = createProbe();
    const moved: Mac = 0x0200_0000_0a0a;
    // An answer that waits, and an announcement.
    probe.network.congest(0, true);
    probe.send(readFrame(0, 1, { tag: 5 }));
    probe.run(0);
    probe.network.setMac(0, moved);
    probe.run(10e6);
    probe.network.congest(0, false);
    const came = probe.run(10e6);
    expect(came.map(({ ethernet, aoe: { tag } }) => [ethernet.source, tag])).toEqual([
      [moved, 5],
      [moved, 0],
    ]);
    expect(came[1]?.ethernet.destination).toBe(BROADCAST);
    expect(probe.answer(readFrame(0, 1, { to: moved })).ethernet.source).toBe(moved);
    expect(probe.ask(readFrame(0, 1, { to: OURS }))).toHaveLength(0);
    // The same again is no change.
    probe.network.down(0);
    probe.network.up(0);
    expect(probe.run(10e6)).toHaveLength(0);
  });

  test("P11: with an allow list each listed address gets a copy of its own, and nobody else", () => {
    const probe = withState({ masks: [PEER, OTHER] });
    probe.network.setMtu(9000, 0);
    expect(probe.run(1e6).map((each) => each.ethernet.destination)).toEqual([PEER, OTHER]);
  });

  test("P11: many exports are announced, and answer a wildcard, in paced steps", () => {
    const more = Array.from({ length: 999 }, (_, index) => ({
      major: 100 + Math.floor(index / 200),
      minor: index % 200,
      store: createMemoryStore(1),
    }));
    const probe = createProbe({ more });
    // The announcements of both interfaces are under way.
    const announced = probe.run(100e6);
    expect(announced.length).toBeGreaterThan(1900);
    probe.send(discovery());
    let answered = 0;
    const seen = new Set<string>();
    for (let ms = 0; ms < 100; ms++) {
      const step = probe.run(1e6);
      // Two interfaces, one step each, and the borders of the interval.
      expect(step.length).toBeLessThanOrEqual(128);
      answered += step.length;
      for (const each of step)
        seen.add(`${each.aoe.major}.${each.aoe.minor}.${each.ethernet.source}`);
    }
    expect(answered).toBe(2000);
    expect(seen.size).toBe(2000);
  });
});

describe("mask list", () => {
  const edit = (
    directives: readonly (readonly [number, Mac])[],
    tag: number,
  ): ReturnType<typeof maskFrame> => maskFrame(mask.EDIT, directives, { tag });

  test("P17: a sender that is not on the list gets silence, for every command", () => {
    const probe = withState({ masks: [OTHER] });
    for (const request of [
      readFrame(0, 1),
      configFrame(config.READ),
      discovery(),
      maskFrame(mask.READ),
      maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, PEER]]),
      reserveFrame(reserve.READ),
      frame(0xf0, { kind: "vendor" }),
    ]) {
      expect(probe.ask(request)).toHaveLength(0);
    }
    expect(probe.ask(readFrame(0, 1, { from: OTHER }))).toHaveLength(1);
    expect(probe.owner.state.masks).toEqual([OTHER]);
  });

  test("P17: directives run in order, and the answer is the whole list (peer bug 1: the second stays too)", () => {
    const probe = createProbe();
    const [a, b, c] = macs(3) as [Mac, Mac, Mac];
    const first = maskOf(
      probe.answer(
        edit(
          [
            [mask.DIRECTIVE_ADD, PEER],
            [mask.DIRECTIVE_ADD, a],
          ],
          1,
        ),
      ),
    );
    expect(first).toMatchObject({ error: 0, count: 2, command: mask.EDIT });
    const second = maskOf(
      probe.answer(
        edit(
          [
            [mask.DIRECTIVE_ADD, b],
            [mask.DIRECTIVE_ADD, c],
            [mask.DIRECTIVE_DELETE, a],
            [mask.DIRECTIVE_NONE, 0],
            [mask.DIRECTIVE_ADD, b],
          ],
          2,
        ),
      ),
    );
    expect(second.directives).toEqual(
      [PEER, b, c].map((mac) => ({ reserved: 0, command: mask.DIRECTIVE_ADD, mac })),
    );
    expect(maskOf(probe.answer(maskFrame(mask.READ))).directives).toHaveLength(3);
  });

  test("P17: at the first bad directive MError is set, the count says how many were done, no more is done", () => {
    const probe = createProbe();
    const [a, b] = macs(2) as [Mac, Mac];
    const answer = probe.answer(
      edit(
        [
          [mask.DIRECTIVE_ADD, PEER],
          [mask.DIRECTIVE_ADD, a],
          [7, b],
          [mask.DIRECTIVE_ADD, b],
        ],
        1,
      ),
    );
    expect(isError(answer)).toBe(false);
    expect(maskOf(answer)).toMatchObject({ error: mask.ERROR_DIRECTIVE, count: 2 });
    expect(probe.owner.state.masks).toEqual([PEER, a]);
  });

  test.each([
    [534, 65],
    [1500, 185],
    [9000, 254],
  ])(
    "P17: an edit longer than the MTU %d that fails is answered with the %d directives that fit",
    (mtu, told) => {
      const probe = createProbe({ mtu, peerMtu: 9000 });
      const good = Array.from({ length: 254 }, () => [mask.DIRECTIVE_NONE, 0] as const);
      const answer = probe.answer(edit([...good, [9, PEER]], 1));
      expect(maskOf(answer)).toMatchObject({ error: mask.ERROR_DIRECTIVE, count: 254 });
      expect(maskOf(answer).directives).toHaveLength(told);
      // Its copy too, from the stored result (P28).
      expect(maskOf(probe.answer(edit([...good, [9, PEER]], 1))).directives).toHaveLength(told);
      expect(probe.target.ports[0]?.counters.duplicatesAnswered).toBe(1);
      expect(probe.ask(readFrame(0, 1))).toHaveLength(1);
    },
  );

  test.each([
    [534, 65],
    [1500, 185],
    [9000, 255],
  ])("P17: at MTU %d %d addresses are kept, then MError 3", (mtu, most) => {
    const probe = createProbe({ mtu });
    const list = [PEER, ...macs(most)];
    let tag = 0;
    for (let at = 0; at + 40 < most; at += 40) {
      probe.answer(
        edit(
          list.slice(at, at + 40).map((mac) => [mask.DIRECTIVE_ADD, mac]),
          ++tag,
        ),
      );
    }
    const kept = probe.owner.state.masks.length;
    for (const mac of list.slice(kept, most))
      probe.answer(edit([[mask.DIRECTIVE_ADD, mac]], ++tag));
    expect(probe.owner.state.masks).toEqual(list.slice(0, most));
    const full = maskOf(
      probe.answer(
        edit(
          [
            [mask.DIRECTIVE_ADD, PEER],
            [mask.DIRECTIVE_ADD, list[most] as Mac],
          ],
          ++tag,
        ),
      ),
    );
    expect(full).toMatchObject({ error: mask.ERROR_FULL, count: 1 });
    expect(maskOf(probe.answer(maskFrame(mask.READ))).directives).toHaveLength(most);
  });

  test.each([0, 1])(
    "P17: a list on interfaces of different MTU is what the smallest can tell (%d)",
    (narrow) => {
      const probe = createProbe({ mtu: 9000 });
      probe.network.setMtu(1500, narrow);
      probe.run(10e6);
      const list = macs(185);
      list[0] = PEER;
      for (let at = 0; at < 185; at += 37) {
        probe.answer(
          edit(
            list.slice(at, at + 37).map((mac) => [mask.DIRECTIVE_ADD, mac]),
            at,
          ),
        );
      }
      expect(probe.owner.state.masks).toHaveLength(185);
      const full = probe.answer(edit([[mask.DIRECTIVE_ADD, OTHER]], 999));
      expect(maskOf(full).error).toBe(mask.ERROR_FULL);
    },
  );

  test("P17: a directive count beyond the frame is error 2 (peer bug 2: vblade reads past the packet)", () => {
    const probe = createProbe();
    const request = toBytes(
      edit(
        [
          [mask.DIRECTIVE_ADD, PEER],
          [mask.DIRECTIVE_ADD, OTHER],
        ],
        1,
      ),
    );
    for (const count of [5, 6, 200, 255]) {
      request[mask.COUNT] = count;
      const answer = probe.answer(request.slice(0, 60));
      expect(answer.aoe.error, `${count}`).toBe(aoe.ERROR_ARGUMENT);
    }
    // 60 bytes hold four, to the last byte.
    request[mask.COUNT] = 4;
    expect(probe.answer(request.slice(0, 59)).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(probe.owner.state.masks).toEqual([]);
    const whole = new Uint8Array(60);
    whole.set(request.slice(0, 60));
    expect(maskOf(probe.answer(whole))).toMatchObject({ error: 0, count: 2 });
  });

  test("P29: an unknown MCmd is error 2 and changes nothing", () => {
    const probe = createProbe();
    for (const command of [2, 3, 255]) {
      const answer = probe.answer(maskFrame(command, [[mask.DIRECTIVE_ADD, PEER]]));
      expect(answer.aoe.error).toBe(aoe.ERROR_ARGUMENT);
    }
    expect(probe.owner.state.masks).toEqual([]);
  });
});

describe("reserve/release", () => {
  test("P16: set works where the list is empty or the sender is on it, force set always, count 0 releases", () => {
    const probe = createProbe();
    const set = (command: number, list: Mac[], from: Mac, tag: number) =>
      probe.answer(reserveFrame(command, list, { from, tag }));
    expect(reserveOf(set(reserve.SET, [OTHER], PEER, 1)).macs).toEqual([OTHER]);
    const refused = set(reserve.SET, [PEER], PEER, 2);
    expect(refused.aoe.error).toBe(aoe.ERROR_RESERVED);
    expect(reserveOf(refused).macs).toEqual([OTHER]);
    expect(set(reserve.SET, [], PEER, 3).aoe.error).toBe(aoe.ERROR_RESERVED);
    expect(reserveOf(set(reserve.SET, [OTHER, PEER], OTHER, 4)).macs).toEqual([OTHER, PEER]);
    expect(reserveOf(set(reserve.SET, [], PEER, 5)).macs).toEqual([]);
    set(reserve.SET, [OTHER], OTHER, 6);
    expect(reserveOf(set(reserve.FORCE_SET, [PEER], PEER, 7)).macs).toEqual([PEER]);
    expect(reserveOf(probe.answer(reserveFrame(reserve.READ, [], { from: OTHER }))).macs).toEqual([
      PEER,
    ]);
    expect(probe.answer(readFrame(0, 1, { from: OTHER })).aoe.error).toBe(aoe.ERROR_RESERVED);
    expect(reserveOf(set(reserve.FORCE_SET, [], OTHER, 8)).macs).toEqual([]);
    expect(probe.answer(readFrame(0, 1, { from: OTHER })).aoe.error).toBe(0);
  });

  test("P16: more members than the smallest frame holds, or than the frame brings, are error 2", () => {
    const probe = createProbe();
    // 248 fit a frame at 1500, and more than 43 must not overflow eight bits (peer bug 12).
    expect(reserveOf(probe.answer(reserveFrame(reserve.SET, macs(248)))).macs).toHaveLength(248);
    probe.answer(reserveFrame(reserve.FORCE_SET, [], { tag: 1 }));
    probe.network.setMtu(9000, 0);
    probe.network.setMtu(9000, 2);
    probe.run(10e6);
    expect(probe.answer(reserveFrame(reserve.SET, macs(249), { tag: 2 })).aoe.error).toBe(
      aoe.ERROR_ARGUMENT,
    );
    const short = toBytes(reserveFrame(reserve.SET, macs(6)));
    for (const count of [7, 42, 43, 248]) {
      short[reserve.COUNT] = count;
      expect(probe.answer(short.slice(0, reserve.LENGTH + 36)).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    }
    short[reserve.COUNT] = 6;
    expect(probe.answer(short.slice(0, reserve.LENGTH + 35)).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    expect(probe.owner.state.reservation).toEqual([]);
  });

  test("P29: an unknown RCmd is error 2 and changes nothing", () => {
    const probe = createProbe();
    for (const command of [3, 4, 255]) {
      expect(probe.answer(reserveFrame(command, [PEER])).aoe.error).toBe(aoe.ERROR_ARGUMENT);
    }
    expect(probe.owner.state.reservation).toEqual([]);
  });

  test("peer bug 8 (ggaoed): the first command that is not known is unknown", () => {
    const probe = createProbe();
    expect(probe.answer(frame(4, { kind: "unknown" })).aoe.error).toBe(aoe.ERROR_UNRECOGNIZED);
  });
});

describe("a state that can't be made durable", () => {
  test("is not taken: config and reserve say error 3, mask says MError 1", () => {
    const probe = createProbe({ exported: { save: (_state, ended) => ended(28) } });
    expect(probe.answer(configFrame(config.SET, "x")).aoe.error).toBe(aoe.ERROR_UNAVAILABLE);
    expect(probe.answer(reserveFrame(reserve.SET, [PEER])).aoe.error).toBe(aoe.ERROR_UNAVAILABLE);
    const answer = maskOf(probe.answer(maskFrame(mask.EDIT, [[mask.DIRECTIVE_ADD, PEER]])));
    expect(answer).toMatchObject({ error: mask.ERROR_UNSPECIFIED, count: 0 });
    expect(probe.owner.state).toEqual({ config: new Uint8Array(0), masks: [], reservation: [] });
    expect(MINOR).toBe(3);
  });
});
