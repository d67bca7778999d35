import { expect, test } from "bun:test";

import { Rtt } from "./rtt.ts";

const MS = 1e6;

test("before any sample the RTO is the first one, doubled per expiry up to the ceiling", () => {
  const rtt = new Rtt();
  const seen: number[] = [];
  for (let shift = 0; shift < 6; shift++) {
    seen.push(rtt.rto() / MS);
    rtt.expired(shift);
  }
  expect(seen).toEqual([250, 500, 1000, 2000, 2000, 2000]);
});

test("the first sample sets the round trip, half of it the deviation", () => {
  const rtt = new Rtt();
  rtt.sample(8 * MS);
  expect([rtt.smoothed, rtt.deviation, rtt.rto()]).toEqual([8 * MS, 4 * MS, 48 * MS]);
});

test("gains of an eighth and a quarter", () => {
  const rtt = new Rtt();
  rtt.sample(8 * MS);
  rtt.sample(16 * MS);
  expect([rtt.smoothed, rtt.deviation]).toEqual([9 * MS, 5 * MS]);
  rtt.sample(1 * MS);
  expect([rtt.smoothed, rtt.deviation]).toEqual([8 * MS, 5.75 * MS]);
});

test("floor and ceiling", () => {
  const fast = new Rtt();
  for (let i = 0; i < 100; i++) fast.sample(10e3);
  expect(fast.rto()).toBe(1 * MS);
  const slow = new Rtt();
  slow.sample(1.5e9);
  expect(slow.rto()).toBe(2e9);
});

test("Karn: the doubling stays until a clean sample comes", () => {
  const rtt = new Rtt();
  rtt.sample(10 * MS);
  expect(rtt.rto()).toBe(60 * MS);
  rtt.expired(0);
  rtt.expired(1);
  expect(rtt.rto()).toBe(240 * MS);
  rtt.sample(10 * MS);
  expect(rtt.shift).toBe(0);
  expect(rtt.rto()).toBe(2 * 10 * MS + 8 * 3.75 * MS);
});

test("a burst that was sent with one doubling and expires together doubles once", () => {
  const rtt = new Rtt();
  rtt.sample(10 * MS);
  for (let frame = 0; frame < 16; frame++) rtt.expired(0);
  expect(rtt.shift).toBe(1);
});

test("however often it expires, the RTO is a number within its bounds", () => {
  const rtt = new Rtt();
  rtt.sample(10e3);
  for (let shift = 0; shift < 5000; shift++) rtt.expired(shift);
  expect(rtt.rto()).toBe(2e9);
});

test("a look comes between 100 µs and 10 ms, an overtaken frame is lost by the formula without its floor", () => {
  const rtt = new Rtt();
  expect(rtt.firstLook(0)).toBe(250 * MS);
  for (let i = 0; i < 100; i++) rtt.sample(10e3);
  expect([rtt.firstLook(0), rtt.firstLook(2), Math.round(rtt.early(0)), rtt.rto()]).toEqual([
    100e3,
    400e3,
    100e3,
    1 * MS,
  ]);
  const slow = new Rtt();
  slow.sample(20 * MS);
  expect([slow.firstLook(0), slow.early(0), slow.rto()]).toEqual([10 * MS, 120 * MS, 120 * MS]);
});
