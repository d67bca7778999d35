// An image that is cut or grows while it is served: nothing makes a cut one grow again, and a new size is served whole.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EIO } from "../../sys/errno.ts";
import { mapMemory } from "../../sys/memory.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { DONE, PENDING } from "./store.ts";
import { type FileStoreOptions, openFileStore } from "./file.ts";
import { FileIo } from "./file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-resized-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function image(sectors: number): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, 1));
  return path;
}

const MS = 1e6;

/** A store and the time that its loop tells it. */
function open(path: string, more: Partial<FileStoreOptions> = {}) {
  const io = new FileIo();
  io.tellTime(0);
  const store = openFileStore({ path, io, ...more });
  /** The end of a write, however it goes. */
  const write = async (lba: number, sectors: number): Promise<{ errno: number; good: number }> => {
    const memory = mapMemory(sectors * 512);
    memory.bytes.set(pattern(sectors, 7));
    const errno = store.write(lba, sectors, memory, 0, 1);
    if (errno !== PENDING) return { errno, good: errno === DONE ? sectors : store.good };
    const ended: { errno: number; good: number }[] = [];
    while (ended.length === 0) {
      io.poll((_token, told, good) => ended.push({ errno: told, good }));
      await Bun.sleep(1);
    }
    return ended[0] as { errno: number; good: number };
  };
  return { io, store, write };
}

test.each<[string, Partial<FileStoreOptions>, boolean]>([
  ["into the page cache", {}, false],
  ["through the mapping", {}, true],
  ["beside the loop", { sync: true }, false],
])(
  "a write %s beyond the end of an image that was cut fails there, and makes nothing grow",
  async (_name, more, warm) => {
    const path = image(64);
    const { io, store, write } = open(path, more);
    if (warm) for (let lba = 0; lba < 64; lba += 8) await write(lba, 8);
    expect(await write(40, 2)).toEqual({ errno: DONE, good: 2 });
    truncateSync(path, 32 * 512);
    io.tellTime(2 * MS);
    expect(await write(40, 2)).toEqual({ errno: EIO, good: 0 });
    // The first bad sector is told.
    expect(await write(30, 4)).toEqual({ errno: EIO, good: 2 });
    expect(await write(30, 2)).toEqual({ errno: DONE, good: 2 });
    expect(statSync(path).size).toBe(32 * 512);
    // It is what is served until somebody says otherwise.
    expect(store.sectors).toBe(64);
    truncateSync(path, 64 * 512);
    io.tellTime(4 * MS);
    expect(await write(62, 2)).toEqual({ errno: DONE, good: 2 });
    store.close();
  },
);

test("without a loop every write looks where the end is", () => {
  const path = image(8);
  const store = openFileStore({ path });
  const memory = mapMemory(512);
  expect(store.write(7, 1, memory, 0, 0)).toBe(DONE);
  truncateSync(path, 4 * 512);
  expect(store.write(7, 1, memory, 0, 0)).toBe(EIO);
  expect(statSync(path).size).toBe(4 * 512);
  store.close();
});

test("an offset counts: the end is the file's, not the export's", async () => {
  const path = image(64);
  const { io, store, write } = open(path, { offset: 10, length: 20 });
  truncateSync(path, 20 * 512);
  io.tellTime(2 * MS);
  expect(await write(9, 1)).toEqual({ errno: DONE, good: 1 });
  expect(await write(8, 4)).toEqual({ errno: EIO, good: 2 });
  expect(statSync(path).size).toBe(20 * 512);
  expect(() => store.measure?.(null)).toThrow("length");
  store.close();
});

test("a new size is measured, then served whole, past a mapping of the old one", async () => {
  const path = image(64);
  const { io, store, write } = open(path);
  for (let lba = 0; lba < 64; lba += 8) await write(lba, 8);
  const old = store.addressOf?.(63, 1) ?? 0;
  expect(old).toBeGreaterThan(0);
  truncateSync(path, 4096 * 512);
  expect(store.measure?.(null)).toBe(4096);
  expect(store.sectors).toBe(64);
  store.resize?.(4096);
  expect(store.sectors).toBe(4096);
  io.tellTime(2 * MS);
  for (let round = 0; round < 2; round++) {
    expect(await write(4088, 8)).toEqual({ errno: DONE, good: 8 });
  }
  const first = store.addressOf?.(0, 1) ?? 0;
  // Neighbours in the new mapping as in the file.
  expect((store.addressOf?.(4095, 1) ?? 0) - first).toBe(4095 * 512);
  expect(readFileSync(path).subarray(4088 * 512)).toEqual(Buffer.from(pattern(8, 7)));
  store.close();
});

test.each([true, false])(
  "a store whose file is not open is measured as well (lazy: %p)",
  (lazy) => {
    const path = image(64);
    const { store } = open(path, { lazy });
    truncateSync(path, 16 * 512);
    expect(store.measure?.(null)).toBe(16);
    expect(() => store.measure?.(8192 * 512)).toThrow("was to be made");
    truncateSync(path, 0);
    expect(() => store.measure?.(null)).toThrow("is empty");
    rmSync(path);
    expect(() => store.measure?.(null)).toThrow("does not exist");
    store.close();
  },
);
