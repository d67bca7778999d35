// The long run at a size for every day, and that it would see what it looks for.

import { expect, test } from "bun:test";

import { GOOD, judge, stamp } from "../../bench/load/stamp.ts";
import { FAULT_RUN_DEFAULTS, faultRun } from "./lossy_run.ts";
import { createWatchedStore } from "./watched_store.ts";

for (const [seed, mtu, span] of [
  [1, 1500, 8],
  [2, 9000, 40],
] as const) {
  test(`seed ${seed}, MTU ${mtu}: every request ends, all that is read is right or caught, nothing stale is written`, async () => {
    const figures = await faultRun({ ...FAULT_RUN_DEFAULTS, commands: 4000, seed, mtu, span });
    expect(figures.commands).toBe(4000);
    expect([figures.wrong, figures.stale_writes]).toEqual([0, 0]);
    // It was tried: a frame in a hundred gets lost each way, whatever sizes frames have.
    expect(figures.retransmits).toBeGreaterThan(0.015 * figures.transmits);
    expect(figures.frames_damaged).toBeGreaterThan(10);
    expect(figures.sectors_verified).toBeGreaterThan(5000);
    expect(figures.failed).toBeLessThan(40);
  });
}

test("payload damage alone: every damaged sector is caught, none gets through", async () => {
  const only = {
    faults: "",
    wrongLength: 0,
    payloadFaults: "tx:corrupt:2%/payload,rx:corrupt:2%/payload",
  };
  const figures = await faultRun({ ...FAULT_RUN_DEFAULTS, ...only, commands: 2000 });
  expect([figures.wrong, figures.stale_writes]).toEqual([0, 0]);
  expect(figures.caught_in_flight).toBeGreaterThan(10);
  expect(figures.caught_smashed).toBeGreaterThan(10);
});

test("the same seed is the same run", async () => {
  const run = () => faultRun({ ...FAULT_RUN_DEFAULTS, commands: 500, seed: 9 });
  expect(await run()).toEqual(await run());
});

test("the store tells a stale write from a new one, and good sectors from damaged and misplaced ones", () => {
  const store = createWatchedStore(16, 5);
  const bytes = new Uint8Array(512);
  const memory = { bytes, view: new DataView(bytes.buffer), address: 0 };
  const write = (stampedFor: number, lba: number, generation: number): void => {
    stamp(memory.view, 0, stampedFor, 1, generation, 5);
    store.write(lba, 1, memory, 0, 0);
  };
  expect(judge(store.view, 3 * 512, 3, 1, 5)).toBe(GOOD);
  write(3, 3, 7);
  store.acknowledged[3] = 7;
  expect(store.counts).toEqual({ smashed: 0, stale: 0 });
  write(3, 3, 6);
  expect(store.counts).toEqual({ smashed: 0, stale: 1 });
  write(3, 4, 8);
  expect([store.counts.smashed, store.smashed[4], store.smashed[3]]).toEqual([1, 1, 0]);
  write(4, 4, 9);
  expect(store.smashed[4]).toBe(0);
});
