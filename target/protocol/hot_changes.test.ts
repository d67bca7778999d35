// What changes while a target serves: exports and interfaces come and go, service models are replaced, and
// no request in hand is lost by it.

import { describe, expect, test } from "bun:test";

import * as ata from "../../wire/ata.ts";
import { BROADCAST } from "../../wire/mac.ts";
import { Export } from "./export.ts";
import {
  ataOf,
  createProbe,
  discovery,
  MAJOR,
  MINOR,
  model,
  OURS,
  OURS_TOO,
  pattern,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";

function another(minor: number): Export {
  return new Export({ major: MAJOR, minor, store: createMemoryStore(16) });
}

describe("an export", () => {
  test("goes after what is in hand is answered, and its address is silent at once", () => {
    const probe = createProbe({ service: "delay:1ms" });
    const data = pattern(1, 3);
    probe.send(readFrame(0, 1, { tag: 1 }));
    probe.send(writeFrame(5, data, { tag: 2 }));
    probe.iterate();
    let gone = false;
    probe.target.removeExport(probe.owner, () => {
      gone = true;
    });
    expect(probe.ask(readFrame(0, 1, { tag: 3 }))).toEqual([]);
    expect(probe.ask(discovery())).toEqual([]);
    expect(gone).toBe(false);
    const tags = probe.run(1e6).map(({ aoe }) => aoe.tag);
    expect(tags.toSorted()).toEqual([1, 2]);
    expect(gone).toBe(true);
    expect(probe.store.bytes.slice(5 * ata.SECTOR, 6 * ata.SECTOR)).toEqual(data);
    expect(probe.target.exportAt(MAJOR, MINOR)).toBeNull();
  });

  test("keeps the target from ending before its store is closed", () => {
    const probe = createProbe();
    let gone = 0;
    probe.target.close();
    probe.target.removeExport(probe.owner, () => gone++);
    expect(probe.target.isIdle).toBe(false);
    probe.run(0);
    expect(gone).toBe(1);
    expect(probe.target.isIdle).toBe(true);
  });

  test("with nothing in hand is gone by the next iteration", () => {
    const probe = createProbe();
    let gone = 0;
    probe.target.removeExport(probe.owner, () => gone++);
    expect(gone).toBe(0);
    probe.run(0);
    expect(gone).toBe(1);
    probe.run(1e9);
    expect(gone).toBe(1);
  });

  test("that hangs releases what it holds when it goes", () => {
    const probe = createProbe({ service: "hang:100%" });
    expect(probe.ask(readFrame(0, 1))).toEqual([]);
    expect(probe.run(10e9)).toEqual([]);
    let gone = false;
    probe.target.removeExport(probe.owner, () => {
      gone = true;
    });
    expect(probe.run(0)).toHaveLength(1);
    expect(gone).toBe(true);
  });

  test("that goes in the middle of a wildcard's answers costs no other its answer", () => {
    const more = Array.from({ length: 99 }, (_, index) => ({
      major: 8,
      minor: index,
      store: createMemoryStore(1),
    }));
    const probe = createProbe({ more });
    probe.run(1e9);
    probe.send(discovery({ to: OURS }));
    probe.iterate();
    const first = probe.take();
    expect(first).toHaveLength(32);
    const { exports } = probe.target;
    // One that has answered already, and one that has not.
    for (const index of [3, 50]) {
      probe.target.removeExport(exports[index] as Export, () => {});
    }
    const rest = probe.run(1e9);
    const answered = [...first, ...rest].map(({ aoe }) => `${aoe.major}.${aoe.minor}`);
    expect(answered).toHaveLength(99);
    expect(new Set(answered).size).toBe(99);
  });

  test("comes back at the same address, announced, with another store", () => {
    const probe = createProbe();
    probe.target.removeExport(probe.owner, () => {});
    probe.run(0);
    probe.target.addExport(another(MINOR));
    const [announcement] = probe.run(0);
    expect(announcement?.ethernet.destination).toBe(BROADCAST);
    expect(announcement?.aoe.minor).toBe(MINOR);
    const answer = probe.answer(readFrame(16, 1));
    expect(ataOf(answer).command & ata.STATUS_ERR).toBe(ata.STATUS_ERR);
  });

  test("many that appear at once are announced in paced steps", () => {
    const probe = createProbe();
    for (let minor = 0; minor < 100; minor++) {
      probe.target.addExport(new Export({ major: 9, minor, store: createMemoryStore(1) }));
    }
    // Each interface tells everyone.
    expect(probe.run(0)).toHaveLength(2 * 32);
    expect(probe.run(10e6)).toHaveLength(2 * 68);
  });
});

describe("a service model", () => {
  test("replaced: the next command takes the new one, those under way keep theirs, what hung is released", () => {
    const probe = createProbe({ service: "hang:100%" });
    expect(probe.ask(readFrame(0, 1, { tag: 1 }))).toEqual([]);
    probe.target.setModel(probe.owner, model("delay:5ms"));
    expect(probe.run(0).map(({ aoe }) => aoe.tag)).toEqual([1]);
    expect(probe.ask(readFrame(0, 1, { tag: 2 }))).toEqual([]);
    probe.target.setModel(probe.owner, model(""));
    expect(probe.ask(readFrame(0, 1, { tag: 3 })).map(({ aoe }) => aoe.tag)).toEqual([3]);
    expect(probe.run(5e6).map(({ aoe }) => aoe.tag)).toEqual([2]);
  });

  test("a lane that one model holds is no lane of the next", () => {
    const probe = createProbe({ service: "lanes:1,delay:10ms" });
    probe.send(readFrame(0, 1, { tag: 1 }));
    probe.send(readFrame(1, 1, { tag: 2 }));
    probe.iterate();
    probe.target.setModel(probe.owner, model("lanes:1,delay:1ms"));
    probe.send(readFrame(2, 1, { tag: 3 }));
    expect(probe.run(1e6).map(({ aoe }) => aoe.tag)).toEqual([3]);
    expect(probe.run(20e6).map(({ aoe }) => aoe.tag)).toEqual([1, 2]);
    expect(probe.target.inHand).toBe(0);
  });

  test("release answers what hangs and goes on hanging", () => {
    const probe = createProbe({ service: "hang:100%" });
    for (let tag = 1; tag <= 3; tag++) probe.ask(readFrame(0, 1, { tag }));
    expect(probe.target.release(probe.owner)).toBe(3);
    expect(probe.run(0)).toHaveLength(3);
    expect(probe.ask(readFrame(0, 1, { tag: 9 }))).toEqual([]);
  });
});

describe("an interface", () => {
  test("that goes takes no answer with it on the others, and its link is free when nothing is in hand", () => {
    const probe = createProbe({ service: "delay:1ms" });
    const data = pattern(1, 4);
    probe.send(writeFrame(7, data, { tag: 1 }));
    probe.send(readFrame(0, 1, { tag: 2, to: OURS_TOO }));
    probe.iterate();
    const [first] = probe.target.ports;
    let gone = false;
    probe.target.removePort(first as NonNullable<typeof first>, () => {
      gone = true;
    });
    probe.run(0);
    expect(gone).toBe(false);
    expect(probe.run(1e6).map(({ aoe }) => aoe.tag)).toEqual([2]);
    expect(gone).toBe(true);
    // Taken is taken: the write was run although nobody could be told.
    expect(probe.store.bytes.slice(7 * ata.SECTOR, 8 * ata.SECTOR)).toEqual(data);
    expect(probe.target.inHand).toBe(0);
    expect(probe.ask(readFrame(0, 1, { tag: 3, to: OURS }))).toEqual([]);
  });

  test("that goes sends what its link has gathered first: the loop does not come to it any more", () => {
    const probe = createProbe();
    const [first] = probe.target.ports;
    const port = first as NonNullable<typeof first>;
    const done: string[] = [];
    const { flush } = port.link;
    port.link.flush = () => {
      done.push("flushed");
      flush();
    };
    probe.target.removePort(port, () => done.push("gone"));
    probe.run(0);
    expect(done).toEqual(["flushed", "gone"]);
  });

  test("that comes back is announced and takes the places of the one that went", () => {
    const probe = createProbe();
    const [first] = probe.target.ports;
    const port = first as NonNullable<typeof first>;
    for (let round = 0; round < 50; round++) {
      const present = probe.target.ports.find(({ name }) => name === "first") ?? port;
      probe.target.removePort(present, () => {});
      probe.run(0);
      probe.target.addPort(present.link, "first");
      expect(probe.run(0)).toHaveLength(1);
      expect(probe.ask(readFrame(0, 1, { tag: round }))).toHaveLength(1);
    }
    expect(probe.target.slots).toBeLessThan(10);
  });
});
