// P12, P28: what is in service, what has been answered, and what is beyond the buffer count.

import { describe, expect, test } from "bun:test";

import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import * as config from "../../wire/config.ts";
import { toBytes } from "../../wire/frame.ts";
import * as mask from "../../wire/mask.ts";
import * as reserve from "../../wire/reserve.ts";
import { CAPACITY, WINDOW } from "./duplicates.ts";
import {
  ataFrame,
  ataOf,
  configFrame,
  createProbe,
  maskFrame,
  maskOf,
  model,
  OTHER,
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
import { createFaultyStore } from "../stores/faulty.ts";
import { createMemoryStore } from "../stores/memory.ts";
import type { TargetPort } from "./port.ts";

function port(probe: Probe, index = 0): TargetPort {
  return probe.target.ports[index] as TargetPort;
}

describe("the buffer count", () => {
  test("P12: an initiator may have the buffer count in hand on each interface; beyond that is dropped and counted", () => {
    const probe = createProbe({ service: "delay:1ms", exported: { bufferCount: 4 } });
    for (let tag = 0; tag < 7; tag++) {
      probe.send(readFrame(tag, 1, { tag }));
      probe.send(readFrame(tag, 1, { tag, from: OTHER }));
      probe.send(readFrame(tag, 1, { tag, to: OURS_TOO }));
    }
    const answers = probe.run(1e6);
    expect(answers).toHaveLength(12);
    expect(new Set(answers.map((answer) => answer.aoe.tag))).toEqual(new Set([0, 1, 2, 3]));
    expect(port(probe).counters.overBufferCount).toBe(6);
    expect(port(probe, 1).counters.overBufferCount).toBe(3);
    // Their places are free again.
    for (let tag = 10; tag < 14; tag++) probe.send(readFrame(tag, 1, { tag }));
    expect(probe.run(1e6)).toHaveLength(4);
    expect(probe.target.inHand).toBe(0);
  });

  test("P12: the target as a whole holds what its bound says", () => {
    const probe = createProbe({ service: "delay:1ms", target: { bound: 6 } });
    for (let tag = 0; tag < 10; tag++) probe.send(readFrame(tag, 1, { tag }));
    expect(probe.run(1e6)).toHaveLength(6);
    expect(port(probe).counters.overGlobalBound).toBe(4);
    expect(probe.ask(readFrame(0, 1)).length + probe.run(1e6).length).toBe(1);
  });
});

describe("duplicates", () => {
  test("P28: a copy of what is in service is dropped and counted: one answer, one lane", () => {
    const probe = createProbe({ service: "lanes:1,delay:1ms" });
    const write = writeFrame(3, pattern(2, 1), { tag: 9 });
    probe.send(write);
    probe.send(write);
    probe.send(readFrame(3, 1, { tag: 10 }));
    probe.send(readFrame(3, 1, { tag: 10 }));
    // Twice 1 ms, not four times.
    expect(probe.run(2e6)).toHaveLength(2);
    expect(probe.run(60e9)).toHaveLength(0);
    expect(port(probe).counters.duplicatesDropped).toBe(2);
    expect(probe.owner.counters.writes).toBe(1);
  });

  test("P28: a write is not run again within the window; its stored result is sent again", () => {
    const probe = createProbe();
    const write = writeFrame(3, pattern(1, 1), { tag: 9 });
    const first = probe.answer(write);
    // Somebody else has written there since: the late copy must not undo it.
    probe.answer(writeFrame(3, pattern(1, 2), { tag: 10 }));
    const again = probe.answer(write);
    expect(again).toEqual(first);
    expect(probe.store.bytes.slice(3 * 512, 4 * 512)).toEqual(pattern(1, 2));
    expect(port(probe).counters.duplicatesAnswered).toBe(1);
    expect(probe.owner.counters.writes).toBe(2);
    // Beyond it, it is a new write.
    probe.run(WINDOW + 1);
    probe.answer(write);
    expect(probe.store.bytes.slice(3 * 512, 4 * 512)).toEqual(pattern(1, 1));
  });

  test("P28: the window is 2 s from the answer, its last nanosecond included, and 65,536 results long", () => {
    expect(WINDOW).toBe(2e9);
    expect(CAPACITY).toBe(65_536);
    for (const [after, runs] of [
      [2e9 - 1, 1],
      [2e9, 1],
      [2e9 + 1, 2],
    ] as const) {
      // Of the answer, not of the request: the delay comes before.
      const probe = createProbe({ service: "delay:1ms" });
      const write = writeFrame(3, pattern(1, 1), { tag: 9 });
      probe.send(write);
      expect(probe.run(1e6)).toHaveLength(1);
      probe.run(after);
      probe.send(write);
      expect(probe.run(1e6)).toHaveLength(1);
      expect(probe.owner.counters.writes, `${after} ns`).toBe(runs);
    }
    // What follows may take old results along, and none before its time.
    const probe = createProbe();
    const write = writeFrame(3, pattern(1, 1), { tag: 9 });
    probe.answer(write);
    probe.run(2e9);
    probe.answer(writeFrame(4, pattern(1, 1), { tag: 10 }));
    probe.answer(write);
    expect(probe.owner.counters.writes).toBe(2);
  });

  test("P28: a failed write fails again with the same registers", () => {
    const flaws = { writeErrno: (lba: number) => (lba === 4 ? 5 : 0) };
    const store = createFaultyStore(createMemoryStore(SECTORS), flaws);
    const probe = createProbe({ exported: { store } });
    const write = writeFrame(3, pattern(2, 1));
    const first = probe.answer(write);
    expect(ataOf(first)).toMatchObject({ feature: ata.ERROR_ABRT, lba: 4 });
    flaws.writeErrno = () => 0;
    expect(probe.answer(write)).toEqual(first);
  });

  test("P28: a read is read again", () => {
    const probe = createProbe();
    const read = readFrame(3, 1, { tag: 9 });
    probe.answer(read);
    probe.store.bytes.fill(7, 3 * 512, 4 * 512);
    expect(probe.answer(read).rest.every((byte) => byte === 7)).toBe(true);
    // One that was in service for a while, too, and while something else is.
    probe.target.setModel(probe.owner, model("lanes:1,delay:1ms"));
    for (const fill of [8, 9]) {
      probe.store.bytes.fill(fill, 3 * 512, 4 * 512);
      probe.send(readFrame(0, 1, { tag: 10 + fill }));
      probe.send(read);
      const [, again] = probe.run(2e6);
      expect(again?.rest.every((byte) => byte === fill)).toBe(true);
    }
  });

  test("P28: a config set, a mask edit and a reserve are not run again; their result carries the state of now", () => {
    const probe = createProbe();
    const set = configFrame(config.SET, "mine", { tag: 1 });
    probe.answer(set);
    probe.answer(configFrame(config.FORCE_SET, "other", { tag: 2 }));
    const again = probe.answer(set);
    expect(again.aoe.error).toBe(0);
    expect(textOf(again)).toBe("other");
    const add = maskFrame(
      mask.EDIT,
      [
        [mask.DIRECTIVE_ADD, PEER],
        [mask.DIRECTIVE_ADD, OTHER],
      ],
      { tag: 3 },
    );
    probe.answer(add);
    probe.answer(maskFrame(mask.EDIT, [[mask.DIRECTIVE_DELETE, OTHER]], { tag: 4 }));
    expect(maskOf(probe.answer(add)).directives.map(({ mac }) => mac)).toEqual([PEER]);
    const bad = maskFrame(
      mask.EDIT,
      [
        [mask.DIRECTIVE_NONE, 0],
        [9, OTHER],
      ],
      { tag: 5 },
    );
    expect(probe.answer(bad)).toEqual(probe.answer(bad));
    const take = reserveFrame(reserve.SET, [PEER], { tag: 6 });
    probe.answer(take);
    probe.answer(reserveFrame(reserve.SET, [], { tag: 7 }));
    expect(reserveOf(probe.answer(take)).macs).toEqual([]);
    expect(probe.owner.state.reservation).toEqual([]);
  });

  test("P28: only the same source, tag, header and payload on the same interface are the same request", () => {
    const probe = createProbe();
    const data = pattern(1, 1);
    const other = Uint8Array.from(data);
    other[511] = (other[511] as number) ^ 1;
    const original = writeFrame(3, data, { tag: 9 });
    probe.answer(original);
    for (const different of [
      writeFrame(3, data, { tag: 8 }),
      writeFrame(3, data, { tag: 9, from: OTHER }),
      writeFrame(3, data, { tag: 9, to: OURS_TOO }),
      writeFrame(4, data, { tag: 9 }),
      writeFrame(3, other, { tag: 9 }),
      ataFrame({ command: ata.WRITE, lba: 3, count: 1 }, { tag: 9 }, data),
    ]) {
      const { writes } = probe.owner.counters;
      probe.answer(different);
      expect(probe.owner.counters.writes).toBe(writes + 1);
    }
    // Padding is not the request's.
    const padded = new Uint8Array(600).fill(0x33);
    padded.set(toBytes(original));
    const { writes } = probe.owner.counters;
    probe.answer(padded);
    expect(probe.owner.counters.writes).toBe(writes);
  });

  test("P28: what a service model dropped was never run, so a copy of it is a first one", () => {
    const probe = createProbe({ service: "drop:100%" });
    const write = writeFrame(3, pattern(1, 1), { tag: 9 });
    expect(probe.ask(write)).toHaveLength(0);
    expect(probe.target.inHand).toBe(0);
    probe.owner.model = { text: "", stages: [] };
    expect(probe.ask(write)).toHaveLength(1);
    expect(probe.store.bytes.slice(3 * 512, 4 * 512)).toEqual(pattern(1, 1));
  });
});

describe("a link without room", () => {
  test("answers wait in their order, are counted, and stay in service meanwhile", () => {
    const probe = createProbe({ exported: { bufferCount: 8 } });
    probe.network.congest(0, true);
    for (let tag = 0; tag < 12; tag++) probe.send(readFrame(tag, 1, { tag }));
    const write = writeFrame(3, pattern(1, 1), { tag: 99, from: OTHER });
    probe.send(write);
    expect(probe.run(1e6)).toHaveLength(0);
    expect(probe.target.inHand).toBe(9);
    expect(port(probe).counters.overBufferCount).toBe(4);
    // Copies of what waits are copies of what is in service.
    probe.send(write);
    probe.send(readFrame(0, 1, { tag: 0 }));
    probe.run(1e6);
    expect(port(probe).counters.duplicatesDropped).toBe(2);
    probe.network.congest(0, false);
    const tags = probe.run(1e6).map((answer) => answer.aoe.tag);
    expect(tags).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 99]);
    expect(probe.target.inHand).toBe(0);
    expect(probe.answer(write).aoe.error).toBe(0);
    expect(probe.owner.counters.writes).toBe(1);
  });

  test("a write that ran and whose answer had no room is not run by its copy", () => {
    const probe = createProbe({ exported: { bufferCount: 2 } });
    probe.network.congest(0, true);
    for (let tag = 0; tag < 3; tag++) probe.send(writeFrame(tag, pattern(1, tag), { tag }));
    probe.run(1e6);
    expect(probe.owner.counters.writes).toBe(3);
    probe.network.congest(0, false);
    expect(probe.run(1e6)).toHaveLength(2);
    expect(probe.answer(writeFrame(2, pattern(1, 2), { tag: 2 })).aoe.error).toBe(0);
    expect(probe.owner.counters.writes).toBe(3);
  });
});

describe("a store that ends later", () => {
  test("reads, writes, flushes and failures are answered when it does", () => {
    const flaws = { polls: 3, badSectors: [8] };
    const inner = createMemoryStore(SECTORS);
    const probe = createProbe({ exported: { store: createFaultyStore(inner, flaws) } });
    const data = pattern(2, 5);
    probe.send(writeFrame(3, data, { tag: 1 }));
    probe.send(readFrame(7, 2, { tag: 2 }));
    probe.send(ataFrame({ command: ata.FLUSH }, { tag: 3 }));
    probe.iterate();
    expect(probe.take()).toHaveLength(0);
    expect(probe.target.inHand).toBe(3);
    const answers = new Map(probe.run(1e6).map((answer) => [answer.aoe.tag, ataOf(answer)]));
    expect(answers.get(1)?.command).toBe(ata.STATUS_DRDY);
    expect(answers.get(2)).toMatchObject({ feature: ata.ERROR_UNC, lba: 8 });
    expect(answers.get(3)?.command).toBe(ata.STATUS_DRDY);
    expect(inner.bytes.slice(3 * 512, 5 * 512)).toEqual(data);
    const read = probe.ask(readFrame(3, 2)).concat(probe.run(1e6));
    expect(read[0]?.rest).toEqual(data);
    expect(aoe.VERSION).toBe(1);
  });
});
