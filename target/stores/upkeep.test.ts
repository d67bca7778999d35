// What file stores hold of the system — descriptors, locks, mappings, files that they made — and when they give it back.

import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockingIo, IoEnded } from "../../sys/blocking_io.ts";
import { EIO } from "../../sys/errno.ts";
import { closeFile, isInMemory, lockFile, openFile } from "../../sys/file.ts";
import { mapMemory } from "../../sys/memory.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { DONE, PENDING, type Store } from "./store.ts";
import { openFileStore } from "./file.ts";
import { FileIo } from "./file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-upkeep-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function image(sectors: number, where = directory): string {
  const path = join(where, `${files++}.img`);
  writeFileSync(path, pattern(sectors, 1));
  return path;
}

const memory = mapMemory(65_536);

function isOpen(path: string): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  });
}

/** Bytes of the file that are mapped, and where the last of them ends. */
function mappingOf(path: string): { bytes: number; end: number } {
  const ranges = readFileSync("/proc/self/maps", "utf8")
    .split("\n")
    .filter((line) => line.endsWith(path))
    .map((line) =>
      (line.split(" ")[0] as string).split("-").map((hex) => Number.parseInt(hex, 16)),
    );
  const bytes = ranges.reduce((sum, [from = 0, to = 0]) => sum + to - from, 0);
  return { bytes, end: Math.max(0, ...ranges.map(([, to = 0]) => to)) };
}

function warm(store: Store): void {
  for (let lba = 0; lba + 8 <= store.sectors; lba += 8) {
    expect(store.write(lba, 8, memory, 0, 0)).toBe(DONE);
  }
}

test("a mapping holds the file up to the last sector that is served, and a new one that of a new size", () => {
  const path = image(64 + 16);
  const io = new FileIo();
  const store = openFileStore({ path, io, offset: 16, length: 64 });
  warm(store);
  expect((store.addressOf?.(63, 1) ?? 0) + 512).toBeLessThanOrEqual(mappingOf(path).end);
  store.close();
  expect(mappingOf(path).bytes).toBe(0);

  const grown = image(64);
  const other = openFileStore({ path: grown, io });
  warm(other);
  expect(other.addressOf?.(63, 1)).toBeGreaterThan(0);
  truncateSync(grown, 4096 * 512);
  other.resize?.(4096);
  expect(mappingOf(grown).bytes).toBe(0);
  warm(other);
  expect((other.addressOf?.(4095, 1) ?? 0) + 512).toBeLessThanOrEqual(mappingOf(grown).end);
  other.close();
  io.close();
});

test("a store that is closed keeps its file open until what is pending has ended", () => {
  let end: (() => void) | null = null;
  const beside: BlockingIo = {
    kind: "worker",
    reason: "",
    fd: -1,
    get pending() {
      return end === null ? 0 : 1;
    },
    read: () => {},
    write: () => {},
    sync(_fd, token) {
      end = () => tell(token, 0);
    },
    reap(ended) {
      tell = ended;
      return 0;
    },
    drain: () => {},
    close: () => {},
  };
  let tell: IoEnded = () => {};
  const io = new FileIo({ open: () => beside });
  const path = image(8);
  const store = openFileStore({ path, io });
  expect(store.flush(1)).toBe(PENDING);
  io.poll(() => {});
  store.close();
  expect(isOpen(path)).toBe(true);
  (end as (() => void) | null)?.();
  expect(isOpen(path)).toBe(false);
});

test("of files that were used the one that was not for longest gives way", () => {
  const io = new FileIo({ mostOpen: 2 });
  const paths = [image(8), image(8), image(8)];
  const stores = paths.map((path) => openFileStore({ path, io, lazy: true }));
  for (const index of [0, 1, 0, 2]) {
    expect(stores[index]?.write(0, 1, memory, 0, 0)).toBe(DONE);
  }
  expect(paths.map(isOpen)).toEqual([true, false, true]);
  for (const index of [0, 1]) stores[index]?.write(0, 1, memory, 0, 0);
  expect(paths.map(isOpen)).toEqual([true, true, false]);
  for (const store of stores) store.close();
});

test("where the process may open no more, one that was used gives way", () => {
  const path = join(import.meta.dir, "../..");
  const program = `
    import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
    import { openFileStore } from ${JSON.stringify(join(import.meta.dir, "file.ts"))};
    import { FileIo } from ${JSON.stringify(join(import.meta.dir, "file_io.ts"))};
    import { mapMemory } from ${JSON.stringify(join(path, "sys", "memory.ts"))};
    const io = new FileIo({ mostOpen: 1000 });
    const memory = mapMemory(512);
    const stores = Array.from({ length: 100 }, (_, index) => {
      const path = ${JSON.stringify(directory)} + "/few-" + index;
      writeFileSync(path, new Uint8Array(4096));
      return openFileStore({ path, io, lazy: true });
    });
    const results = stores.map((store) => store.write(0, 1, memory, 0, 0));
    console.log(new Set(results).size === 1 && results[0] === 0 ? "all" : results.join(" "));`;
  const run = Bun.spawnSync([
    "sh",
    "-c",
    `ulimit -n 64; exec "$0" -e "$1"`,
    process.execPath,
    program,
  ]);
  expect(run.stdout.toString().trim()).toBe("all");
});

test("a lock goes to a successor and comes back as it was; meanwhile the file opens without it", () => {
  const io = new FileIo();
  const path = image(8);
  const store = openFileStore({ path, io, lazy: true });
  expect(store.write(0, 1, memory, 0, 0)).toBe(DONE);
  const other = openFile(path, { write: true });
  expect(lockFile(other, false)).toBeLessThan(0);
  store.lock?.(false);
  expect(lockFile(other, true)).toBe(0);
  // Its last commands still come, and its file may have been closed for another's sake.
  expect(io.evictOne()).toBe(true);
  expect(store.write(0, 1, memory, 0, 0)).toBe(DONE);
  closeFile(other);
  store.lock?.(true);
  const reader = openFile(path, {});
  // A writer's lock: not one that a reader can share.
  expect(lockFile(reader, false)).toBeLessThan(0);
  expect(io.evictOne()).toBe(true);
  expect(lockFile(reader, false)).toBe(0);
  expect(store.write(0, 1, memory, 0, 0)).toBe(EIO);
  store.close();
  closeFile(reader);
});

test("an image that was made for a store which is refused goes again", () => {
  const path = join(directory, "made.img");
  expect(() => openFileStore({ path, create: 4096, offset: 99 })).toThrow("offset");
  expect(existsSync(path)).toBe(false);
  const kept = image(8);
  expect(() => openFileStore({ path: kept, create: 4096, offset: 99 })).toThrow("offset");
  expect(existsSync(kept)).toBe(true);
});

test("an image that can't have its size is not left behind", () => {
  const path = join(directory, "huge.img");
  try {
    // More than most file systems hold; one that does is fine.
    openFileStore({ path, create: 2 ** 52 }).close();
    rmSync(path);
  } catch (error) {
    expect((error as Error).message).toContain("Can't make the image");
  }
  expect(existsSync(path)).toBe(false);
});

const shm = existsSync("/dev/shm") && isInMemory("/dev/shm");

test.skipIf(!shm)("a read that failed says nothing about pages in memory", () => {
  const place = mkdtempSync("/dev/shm/aoe-upkeep-");
  try {
    const path = image(64, place);
    const io = new FileIo();
    const store = openFileStore({ path, io });
    // That it is in memory is known after the first.
    expect(store.read(0, 1, memory, 0, 0)).toBe(DONE);
    truncateSync(path, 4096);
    expect(store.read(40, 1, memory, 0, 0)).toBe(EIO);
    expect(store.addressOf?.(40, 1)).toBe(0);
    store.close();
  } finally {
    rmSync(place, { recursive: true });
  }
});
