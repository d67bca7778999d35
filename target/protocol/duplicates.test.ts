// The table of P28 against a plain map, over random requests: same answers, and no entry lost or kept too long.

import { expect, test } from "bun:test";
import fc from "fast-check";

import type { Memory } from "../../link/link.ts";
import { CAPACITY, Duplicates, WINDOW } from "./duplicates.ts";

function memory(bytes: Uint8Array<ArrayBuffer>): Memory {
  return { bytes, view: new DataView(bytes.buffer), address: 0 };
}

/** A frame of `length` bytes whose bytes from 16 on follow from `content`. */
function frame(length: number, content: number): Memory {
  const bytes = new Uint8Array(length);
  for (let at = 16; at < length; at++) bytes[at] = (content * 31 + at * 7) & 0xff;
  return memory(bytes);
}

test("P28: source, tag and each byte from 16 on tell requests apart, however few the chains", () => {
  const table = new Duplicates(WINDOW, 2);
  const one = frame(600, 0);
  const held = table.insert(one, 0, 600, 1, 1, 0);
  expect(table.find(one, 0, 600, 1, 1, 0)).toBe(held);
  // With four chains, many of these share one with the entry.
  for (let other = 2; other < 66; other++) {
    expect(table.find(one, 0, 600, other, 1, 0)).toBe(-1);
    expect(table.find(one, 0, 600, 1, other, 0)).toBe(-1);
  }
  const TAG = 20;
  for (let at = 16; at < 600; at++) {
    if (at >= TAG && at < TAG + 4) continue;
    one.bytes[at] = (one.bytes[at] as number) ^ 1;
    expect(table.find(one, 0, 600, 1, 1, 0), `byte ${at}`).toBe(-1);
    one.bytes[at] = (one.bytes[at] as number) ^ 1;
  }
  expect(table.find(one, 0, 600, 1, 1, 0)).toBe(held);
});

test("a frame that was cut is not the same request, even where the hash of what is missing is that of nothing", () => {
  const table = new Duplicates();
  const one = frame(40, 0);
  // Four bytes whose CRC-32 is 0.
  one.bytes.set([0x9d, 0x0a, 0xd9, 0x6d], 36);
  expect(Bun.hash.crc32(one.bytes.subarray(36))).toBe(0);
  table.insert(one, 0, 40, 1, 1, 0);
  expect(table.find(one, 0, 36, 1, 1, 0)).toBe(-1);
});

test("the window ends after its last nanosecond", () => {
  const table = new Duplicates(WINDOW, 2);
  const one = frame(600, 0);
  const entry = table.insert(one, 0, 600, 1, 1, 0);
  table.complete(entry, 7, 0, 1000);
  expect(table.find(one, 0, 600, 1, 1, 1000 + WINDOW)).toBe(entry);
  expect(table.find(one, 0, 600, 1, 1, 1001 + WINDOW)).toBe(-1);
});

test("payloads at one place of different memories are told apart", () => {
  const table = new Duplicates();
  const one = frame(600, 0);
  const other = memory(one.bytes.slice() as Uint8Array<ArrayBuffer>);
  other.bytes[599] = (other.bytes[599] as number) ^ 1;
  const held = table.insert(one, 0, 600, 1, 1, 0);
  expect(table.find(other, 0, 600, 1, 1, 0)).toBe(-1);
  expect(table.find(one, 0, 600, 1, 1, 0)).toBe(held);
});

const step = fc.record({
  mac: fc.integer({ min: 1, max: 3 }),
  tag: fc.constantFrom(0, 1, 2, 0xffff_ffff, 0x8000_0000),
  length: fc.constantFrom(24, 26, 28, 32, 36, 548, 1060),
  content: fc.integer({ min: 0, max: 2 }),
  wait: fc.constantFrom(0, 1e6, WINDOW / 2, WINDOW + 1),
  act: fc.constantFrom("begin", "begin", "complete", "forget"),
});

test("the table agrees with a map of what is in service and what was answered", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new Duplicates(WINDOW, 16);
      const service = new Map<string, number>();
      const answered = new Map<string, { outcome: number; at: number }>();
      let now = 0;
      let outcomes = 0;
      for (const { mac, tag, length, content, wait, act } of steps) {
        now += wait;
        const key = `${mac} ${tag} ${length} ${content}`;
        const found = table.find(frame(length, content), 0, length, mac, tag, now);
        const old = answered.get(key);
        if (old !== undefined && now - old.at > WINDOW) answered.delete(key);
        if (service.has(key)) {
          expect(found).toBe(service.get(key) as number);
          expect(table.isInService(found)).toBe(true);
        } else if (answered.has(key)) {
          expect(table.isInService(found)).toBe(false);
          expect(table.outcome(found)).toBe(answered.get(key)?.outcome as number);
          expect(table.lba(found)).toBe(2 ** 40 + table.outcome(found));
        } else {
          expect(found).toBe(-1);
        }
        const [first] = service;
        if (act === "begin" && found === -1 && service.size < 8 && answered.size < 8) {
          const entry = table.insert(frame(length, content), 0, length, mac, tag, now);
          expect(entry).toBeGreaterThanOrEqual(0);
          service.set(key, entry);
        } else if (act === "complete" && first !== undefined) {
          service.delete(first[0]);
          table.complete(first[1], ++outcomes, 2 ** 40 + outcomes, now);
          answered.set(first[0], { outcome: outcomes, at: now });
        } else if (act === "forget" && first !== undefined) {
          service.delete(first[0]);
          table.forget(first[1]);
        }
        expect(table.inService).toBe(service.size);
      }
    }),
    { numRuns: 300 },
  );
});

test("beyond its capacity the oldest answered entry goes, counted, and never one in service", () => {
  const table = new Duplicates(WINDOW, 4);
  const one = frame(36, 0);
  const held = table.insert(one, 0, 36, 1, 1000, 0);
  for (let tag = 0; tag < 10; tag++) {
    const entry = table.insert(one, 0, 36, 1, tag, 0);
    table.complete(entry, tag, 0, tag);
  }
  expect(table.evicted).toBe(7);
  expect(table.find(one, 0, 36, 1, 1000, 10)).toBe(held);
  for (let tag = 0; tag < 10; tag++) {
    expect(table.find(one, 0, 36, 1, tag, 10) >= 0).toBe(tag >= 7);
  }
});

test("a table of entries all in service takes no more", () => {
  const table = new Duplicates(WINDOW, 2);
  const one = frame(36, 0);
  table.insert(one, 0, 36, 1, 1, 0);
  table.insert(one, 0, 36, 1, 2, 0);
  expect(table.insert(one, 0, 36, 1, 3, 0)).toBe(-1);
});

test("it shrinks while it is used, and holds what its numbers say at most", () => {
  const table = new Duplicates();
  const one = frame(36, 0);
  let now = 0;
  for (let tag = 0; tag < 3 * CAPACITY; tag++) {
    table.complete(table.insert(one, 0, 36, 1, tag, now), 0, 0, now);
    now += 10_000;
  }
  expect(table.size).toBeLessThanOrEqual(CAPACITY);
  expect(table.evicted).toBe(2 * CAPACITY);
  // 2 s later each new entry takes two old ones along.
  now += WINDOW + 1;
  for (let tag = 0; tag < CAPACITY; tag++) {
    table.complete(table.insert(one, 0, 36, 2, tag, now), 0, 0, now);
  }
  expect(table.size).toBe(CAPACITY);
  now += WINDOW + 1;
  for (let tag = 0; tag < 1000; tag++)
    table.complete(table.insert(one, 0, 36, 3, tag, now), 0, 0, now);
  expect(table.size).toBe(CAPACITY - 1000);
});
