// What the last flush covers: every write that ended, whatever it passed on its way.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockingIo, IoEnded } from "../../sys/blocking_io.ts";
import { EIO } from "../../sys/errno.ts";
import { mapMemory } from "../../sys/memory.ts";
import { DONE, PENDING } from "./store.ts";
import { type FileStoreOptions, openFileStore } from "./file.ts";
import { FileIo } from "./file_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-last-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;

/** A store whose operations end when told, in any order; `begun` says which there were. */
function build(options: Partial<FileStoreOptions> = {}, mostOpen = 64) {
  const begun: string[] = [];
  const going = new Map<string, () => void>();
  const told: (() => void)[] = [];
  let tell: IoEnded = () => {};
  const begin = (what: string, token: number, result: number): void => {
    const name = `${what} ${begun.filter((each) => each.startsWith(what)).length + 1}`;
    begun.push(name);
    going.set(name, () => told.push(() => tell(token, result)));
  };
  const beside: BlockingIo = {
    kind: "worker",
    reason: "",
    fd: -1,
    get pending() {
      return going.size + told.length;
    },
    read: (_fd, _address, length, _position, token) => begin("read", token, length),
    write: (_fd, _address, length, _position, token) => begin("write", token, length),
    sync(fd, token) {
      expect(fd).toBeGreaterThan(0);
      begin("sync", token, failing.sync);
    },
    reap(ended) {
      tell = ended;
      for (const each of told.splice(0)) each();
      return 0;
    },
    drain: () => {},
    close: () => {},
  };
  const failing = { sync: 0 };
  const io = new FileIo({ open: () => beside, mostOpen });
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, new Uint8Array(65_536));
  const store = openFileStore({ path, io, ...options });
  const memory = mapMemory(512);
  return {
    io,
    store,
    begun,
    failing,
    write: () => store.write(0, 1, memory, 0, 1),
    end(name: string) {
      const end = going.get(name);
      if (end === undefined) throw new Error(`${name} is not going on: ${begun.join(", ")}`);
      going.delete(name);
      end();
      io.poll(() => {});
    },
    /** What the last flush came to; null: it goes on. */
    settle() {
      const came: { errno: number | null } = { errno: null };
      store.settle?.((errno) => {
        came.errno = errno;
      });
      return came;
    },
  };
}

test("nothing was written: nothing is flushed", () => {
  const { begun, settle } = build();
  expect(settle().errno).toBe(DONE);
  expect(begun).toEqual([]);
});

test("a write into the page cache is flushed, once", () => {
  const { begun, settle, write, end } = build();
  expect(write()).toBe(DONE);
  const came = settle();
  expect([came.errno, begun]).toEqual([null, ["sync 1"]]);
  end("sync 1");
  expect(came.errno).toBe(DONE);
  expect(settle().errno).toBe(DONE);
  expect(begun).toEqual(["sync 1"]);
});

test("a write that a flush has covered is not flushed again", () => {
  const { begun, settle, store, write, end } = build();
  write();
  expect(store.flush(2)).toBe(PENDING);
  end("sync 1");
  expect(settle().errno).toBe(DONE);
  expect(begun).toEqual(["sync 1"]);
});

test("a write that ends after a flush began is flushed at the end", () => {
  const { begun, settle, store, write, end } = build({ sync: true });
  expect(write()).toBe(PENDING);
  expect(store.flush(2)).toBe(PENDING);
  end("sync 1");
  // The flush covered what had ended by then, and this one had not.
  end("write 1");
  const came = settle();
  expect([came.errno, begun]).toEqual([null, ["write 1", "sync 1", "sync 2"]]);
  end("sync 2");
  expect(came.errno).toBe(DONE);
});

test("a write that begins while a flush goes on is flushed at the end, whichever ends first", () => {
  for (const order of [
    ["sync 1", "write 1"],
    ["write 1", "sync 1"],
  ]) {
    const { begun, settle, store, write, end } = build();
    write();
    expect(store.flush(2)).toBe(PENDING);
    expect(write()).toBe(PENDING);
    for (const name of order) end(name);
    const came = settle();
    expect([came.errno, begun.at(-1)]).toEqual([null, "sync 2"]);
    end("sync 2");
    expect(came.errno).toBe(DONE);
  }
});

test("a flush that failed is told at the end, and not tried again: that would succeed falsely", () => {
  const { begun, settle, store, write, end, failing } = build();
  write();
  failing.sync = -EIO;
  expect(store.flush(2)).toBe(PENDING);
  end("sync 1");
  failing.sync = 0;
  expect(write()).toBe(DONE);
  expect(settle().errno).toBe(EIO);
  expect(begun).toEqual(["sync 1"]);
});

test("a last flush that fails is told", () => {
  const { settle, write, end, failing } = build();
  write();
  failing.sync = -EIO;
  const came = settle();
  end("sync 1");
  expect(came.errno).toBe(EIO);
  expect(settle().errno).toBe(EIO);
});

test("a store whose file was closed for another's sake is opened again for its last flush", () => {
  const { begun, settle, write, end, io, store } = build({ lazy: true });
  write();
  expect(io.evictOne()).toBe(true);
  const came = settle();
  expect(begun).toEqual(["sync 1"]);
  end("sync 1");
  expect(came.errno).toBe(DONE);
  store.close();
});

test("a file with something going on is not closed for another's sake", () => {
  const { write, end, io, store } = build({ sync: true });
  expect(write()).toBe(PENDING);
  expect(io.evictOne()).toBe(false);
  end("write 1");
  expect(io.evictOne()).toBe(true);
  store.close();
});

test("a file used in this iteration is not closed: an answer may still be read from it", () => {
  const { write, io, store } = build({ lazy: true });
  io.tellTime(1);
  expect(write()).toBe(DONE);
  expect(io.evictOne()).toBe(false);
  io.tellTime(2);
  expect(io.evictOne()).toBe(true);
  store.close();
});
