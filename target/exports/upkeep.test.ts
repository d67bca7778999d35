// What a target holds for others and takes back: places of the buffer count, turns of answers that wait, broadcasts that
// are not done with, stores that it asks.

import { describe, expect, test } from "bun:test";

import { Admission } from "../protocol/admission.ts";
import { Duplicates, WINDOW } from "../protocol/duplicates.ts";
import { Export } from "../protocol/export.ts";
import { createProbe, discovery, OTHER, PEER, readFrame } from "../../testing/doubles/probe.ts";
import { createFaultyStore } from "../stores/faulty.ts";
import { createMemoryStore } from "../stores/memory.ts";

describe("places of the buffer count", () => {
  test("one that ends makes room for one, of the same initiator on the same interface", () => {
    const admission = new Admission();
    const places = [1, 2, 3].map(() => admission.enter(PEER, 0, 3));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(admission.enter(PEER, 0, 3)).toBe(-1);
    expect(admission.enter(PEER, 1, 3)).toBeGreaterThanOrEqual(0);
    expect(admission.enter(OTHER, 0, 3)).toBeGreaterThanOrEqual(0);
    for (let round = 0; round < 5; round++) {
      admission.leave(places[0] as number);
      expect(admission.enter(PEER, 0, 3)).toBe(places[0] as number);
      expect(admission.enter(PEER, 0, 3)).toBe(-1);
    }
  });

  test("an initiator that has nothing in hand gives its place to another", () => {
    const admission = new Admission();
    const first = admission.enter(PEER, 0, 2);
    admission.leave(first);
    expect(admission.enter(OTHER, 5, 2)).toBe(first);
    expect(admission.enter(OTHER, 5, 2)).toBe(first);
    expect(admission.enter(OTHER, 5, 2)).toBe(-1);
    expect(admission.enter(PEER, 0, 2)).not.toBe(first);
  });
});

test("answers keep their order: one that comes when there is room again waits behind those that waited", () => {
  const probe = createProbe();
  probe.network.congest(0, true);
  for (const tag of [1, 2]) expect(probe.ask(readFrame(0, 1, { tag }))).toEqual([]);
  probe.network.congest(0, false);
  probe.send(readFrame(0, 1, { tag: 3 }));
  probe.iterate();
  expect(probe.run(1e6).map(({ aoe }) => aoe.tag)).toEqual([1, 2, 3]);
  expect(probe.target.inHand).toBe(0);
});

describe("broadcasts and announcements", () => {
  const more = (count: number) =>
    Array.from({ length: count }, (_, minor) => ({
      major: 9,
      minor,
      store: createMemoryStore(1),
    }));

  test("a broadcast to many stops while its answers find no room, and goes on then: each answers once", () => {
    const probe = createProbe({ more: more(99) });
    probe.run(1e9);
    probe.network.congest(0, true);
    probe.send(discovery());
    probe.run(1e9);
    // One step, and those of the other interface.
    expect(probe.target.ports[0]?.backlog.length).toBe(32);
    probe.network.congest(0, false);
    const answers = probe
      .run(1e9)
      .filter(({ ethernet }) => ethernet.source === probe.target.ports[0]?.link.mac);
    expect(new Set(answers.map(({ aoe }) => `${aoe.major}.${aoe.minor}`)).size).toBe(100);
    expect(answers).toHaveLength(100);
  });

  test("an export that goes before its announcement is not announced", () => {
    const probe = createProbe();
    const exports = more(100).map((options) => new Export(options));
    for (const each of exports) probe.target.addExport(each);
    const first = probe.run(0).map(({ aoe }) => aoe.minor);
    expect(new Set(first).size).toBe(32);
    const gone = exports.filter(({ minor }) => !first.includes(minor)).slice(0, 10);
    for (const each of gone) probe.target.removeExport(each, () => {});
    const rest = probe.run(1e9).map(({ aoe }) => aoe.minor);
    expect(new Set([...first, ...rest]).size).toBe(90);
    for (const { minor } of gone) expect(rest).not.toContain(minor);
  });
});

test("a store is asked for its ends as long as an export has it, and no longer", () => {
  const asked = [0, 0];
  const stores = asked.map((_, index) => {
    const store = createFaultyStore(createMemoryStore(8), { polls: 3 });
    const { poll } = store;
    store.poll = (ended) => {
      asked[index] = (asked[index] as number) + 1;
      poll(ended);
    };
    return store;
  });
  const probe = createProbe({
    more: stores.map((store, minor) => ({ major: 9, minor, store })),
  });
  const both = () => {
    const before = [...asked];
    probe.ask(readFrame(0, 1, { major: 9, minor: 1, tag: before[1] ?? 0 }));
    expect(probe.run(1e6).length).toBeLessThanOrEqual(1);
    return asked.map((count, index) => count > (before[index] as number));
  };
  expect(both()).toEqual([true, true]);
  const owner = probe.target.exportAt(9, 0) as Export;
  probe.target.removeExport(owner, () => {});
  probe.run(1e6);
  expect(both()).toEqual([false, true]);
});

test("no interface carries more than 255 sectors a command, however large its frames", () => {
  const probe = createProbe({ mtu: 200_000 });
  expect(probe.target.ports[0]?.mostSectors).toBe(255);
});

test("P28: a table that was empty in between expires what comes after", () => {
  const table = new Duplicates();
  const bytes = new Uint8Array(36);
  const frame = { bytes, view: new DataView(bytes.buffer), address: 0 };
  let now = 0;
  for (let tag = 1; tag <= 5; tag++) {
    table.complete(table.insert(frame, 0, 36, PEER, tag, now), 0, 0, now);
    expect(table.answered).toBe(1);
    // The next insert finds it too old, and the table is empty.
    now += WINDOW + 1;
  }
});
