// A fault of ours that a frame meets: the frame is dropped, told and counted, nothing of it stays behind, and those
// behind it are served. Without `onFault` it is thrown, so that no test misses one.

import { describe, expect, test } from "bun:test";

import {
  createProbe,
  MAJOR,
  type Probe,
  type ProbeOptions,
  readFrame,
} from "../../testing/doubles/probe.ts";
import { createMemoryStore } from "../stores/memory.ts";

const BAD = 13;

/** A target whose store chokes on reads of sector BAD. */
function probeWithFault(options: ProbeOptions = {}): { probe: Probe; told: string[] } {
  const told: string[] = [];
  const onFault = (error: unknown): void => {
    told.push((error as Error).message);
  };
  const probe = createProbe({ target: { onFault }, ...options });
  choke(probe);
  return { probe, told };
}

function choke({ store }: Probe): void {
  const { read } = store;
  (store as { read: typeof read }).read = (lba, ...rest) => {
    if (lba === BAD) throw new Error("the store is at fault");
    return read(lba, ...rest);
  };
}

describe("a fault of ours that a frame meets", () => {
  test.each(["", "delay:10us", "lanes:1,delay:10us"])("with service model `%s`", (service) => {
    const { probe, told } = probeWithFault(service === "" ? {} : { service });
    const port = probe.target.ports[0];
    for (let tag = 1; tag <= 40; tag++) {
      probe.send(readFrame(tag % 2 === 0 ? BAD : 1, 1, { tag }));
      const answers = probe.run(1e6);
      expect(answers.map((answer) => answer.aoe.tag)).toEqual(tag % 2 === 0 ? [] : [tag]);
    }
    expect(told).toEqual(Array.from({ length: 20 }, () => "the store is at fault"));
    expect(port?.counters.faults).toBe(20);
    expect(probe.target.inHand).toBe(0);
    expect(probe.owner.counters.inService).toBe(0);
    // One slot served them all.
    expect(probe.target.slots).toBeLessThan(5);
    expect(port?.duplicates.inService).toBe(0);
  });

  test("one export of many that a broadcast asks", () => {
    const more = Array.from({ length: 99 }, (_, minor) => ({
      major: MAJOR,
      minor: 100 + minor,
      store: createMemoryStore(1),
    }));
    const { probe, told } = probeWithFault({ more });
    for (const minor of [3, 110, 150, 190]) {
      const owner = probe.target.exportAt(MAJOR, minor);
      Object.defineProperty(owner, "admits", {
        value: () => {
          throw new Error(`e${MAJOR}.${minor} is at fault`);
        },
      });
    }
    // The announcements of all.
    probe.run(1e9);
    probe.send(readFrame(0, 1, { minor: 0xff }));
    expect(probe.run(1e9)).toHaveLength(96);
    expect(told).toEqual([3, 110, 150, 190].map((minor) => `e7.${minor} is at fault`));
    expect(probe.target.nextDeadline()).toBe(Infinity);
  });

  test("a request that waits for its time does not end for the fault of another", () => {
    const { probe } = probeWithFault({ service: "delay:1ms" });
    probe.send(readFrame(1, 1, { tag: 1 }));
    expect(probe.run(0)).toHaveLength(0);
    const { owner } = probe;
    const { admits } = owner;
    owner.admits = () => {
      throw new Error("at fault");
    };
    probe.send(readFrame(2, 1, { tag: 2 }));
    expect(probe.run(0)).toHaveLength(0);
    owner.admits = admits;
    expect(probe.run(10e6).map(({ aoe }) => aoe.tag)).toEqual([1]);
  });

  test("nor does that of a broadcast's other export", () => {
    const store = createMemoryStore(8);
    const { probe, told } = probeWithFault({
      service: "delay:1ms",
      more: [{ major: MAJOR, minor: 9, store }],
    });
    probe.run(1e9);
    Object.assign(probe.target.exportAt(MAJOR, 9) as object, {
      admits: () => {
        throw new Error("at fault");
      },
    });
    probe.send(readFrame(1, 1, { tag: 1, minor: 0xff }));
    expect(probe.run(0)).toHaveLength(0);
    expect(told).toEqual(["at fault"]);
    expect(probe.run(10e6).map(({ aoe }) => aoe.tag)).toEqual([1]);
  });

  test("thrown where nobody is told", () => {
    const probe = createProbe();
    choke(probe);
    probe.send(readFrame(BAD, 1));
    expect(() => probe.iterate()).toThrow("the store is at fault");
    expect(probe.target.inHand).toBe(0);
    expect(probe.ask(readFrame(1, 1))).toHaveLength(1);
  });
});
