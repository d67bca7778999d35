// File stores that go through the mapped page cache: the same bytes either way, and a file that was cut, or
// whose disk is full, is an errno as ever, where a load or a store of our own would be the end of the process.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { allocationsPerCall } from "../../testing/doubles/allocations.ts";
import { EFAULT, EIO } from "../../sys/errno.ts";
import { closeFile, openFile } from "../../sys/file.ts";
import { mapFile, type MappedFile } from "../../sys/mapped_file.ts";
import { mapMemory } from "../../sys/memory.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { DONE, type Store } from "./store.ts";
import { openFileStore } from "./file.ts";
import { FileIo } from "./file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-mapped-"));
afterAll(() => rmSync(directory, { recursive: true }));

const SECTORS = 64;
let files = 0;
function image(): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(SECTORS, 1));
  return path;
}

function withStore(path: string, use: (store: Store) => void): void {
  const io = new FileIo();
  io.tellTime(0);
  const store = openFileStore({ path, io, offset: 2 });
  try {
    use(store);
  } finally {
    store.close();
    io.close();
  }
}

const memory = mapMemory(65_536);

test("sectors have an address once they were read or written, and none before or after", () => {
  const path = image();
  withStore(path, (store) => {
    expect(store.addressOf?.(1, 2)).toBe(0);
    expect(store.read(1, 2, memory, 0, 0)).toBe(DONE);
    const address = store.addressOf?.(1, 2) ?? 0;
    expect(address).toBeGreaterThan(0);
    // 8 sectors a page: those of the same page come along, the next ones do not.
    expect(store.addressOf?.(5, 1)).toBe(address + 4 * 512);
    expect(store.addressOf?.(6, 1)).toBe(0);
    expect(store.write(20, 1, memory, 0, 0)).toBe(DONE);
    expect(store.addressOf?.(20, 1)).toBe(address + 19 * 512);
    store.close();
    expect(store.addressOf?.(1, 2)).toBe(0);
  });
});

test("what is written through the mapping is in the file, and read back", () => {
  const path = image();
  const expected = pattern(SECTORS, 1);
  withStore(path, (store) => {
    for (let round = 0; round < 50; round++) {
      const lba = (round * 7) % 40;
      const data = pattern(17, round + 2);
      memory.bytes.set(data, 36);
      expect(store.write(lba, 17, memory, 36, 0)).toBe(DONE);
      expected.set(data, (2 + lba) * 512);
      memory.bytes.fill(0);
      expect(store.read(lba, 17, memory, 100, 0)).toBe(DONE);
      expect(memory.bytes.slice(100, 100 + 17 * 512)).toEqual(data);
    }
    expect(new Uint8Array(readFileSync(path))).toEqual(expected);
  });
});

test("pages that a cut has taken fail the copy, and the ordinary way takes over", () => {
  const path = image();
  const fd = openFile(path, { write: true });
  const mapped = mapFile(fd, SECTORS * 512, true) as MappedFile;
  memory.bytes.fill(7);
  expect(mapped.write(memory.address, 1024, 8192)).toBe(1024);
  truncateSync(path, 4096);
  expect(mapped.write(memory.address, 1024, 8192)).toBe(-EFAULT);
  // Across the edge: as far as it goes, or not at all.
  expect(mapped.write(memory.address, 1024, 3584)).toBeLessThan(1024);
  mapped.unmap();
  closeFile(fd);
});

test("a store whose file was cut fails the write that the mapping fails, and the file stays cut", () => {
  const path = image();
  withStore(path, (store) => {
    memory.bytes.fill(9);
    expect(store.write(40, 8, memory, 0, 0)).toBe(DONE);
    truncateSync(path, 4096);
    expect(store.addressOf?.(40, 8)).toBeGreaterThan(0);
    expect(store.write(40, 8, memory, 0, 0)).toBe(EIO);
    expect(readFileSync(path).length).toBe(4096);
  });
});

test("neither way leaves an object", () => {
  withStore(image(), (store) => {
    const work = (call: number): void => {
      store.write(call % 40, 8, memory, 0, 0);
      store.addressOf?.(call % 40, 8);
    };
    expect(allocationsPerCall(work)).toBeLessThan(0.02);
  });
});
