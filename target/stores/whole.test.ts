// Transfers that the kernel does a part at a time, at once and beside the loop: each part goes on where the one before
// stopped, in memory and in the file, and a failure says how far it got.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Memory } from "../../link/link.ts";
import type { BlockingIo, IoEnded } from "../../sys/blocking_io.ts";
import { EAGAIN, EINTR, EIO, ENOSPC } from "../../sys/errno.ts";
import { type Bytes, closeFile, openFile, readAt, writeAt } from "../../sys/file.ts";
import { mapMemory } from "../../sys/memory.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { DONE, PENDING } from "./store.ts";
import { openFileStore } from "./file.ts";
import { FileIo } from "./file_io.ts";
import { moved, moveWhole } from "./whole.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-whole-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function image(sectors: number): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, 1));
  return path;
}

/** What the kernel moves at a time: bytes, or -errno. */
type Part = (left: number) => number;

const BY_SEVEN: Part = (left) => Math.min(left, 7 * 100);

describe("at once", () => {
  test.each([
    ["read", readAt],
    ["write", writeAt],
  ] as const)("a %s in parts", (kind, whole) => {
    const path = image(8);
    const fd = openFile(path, { write: true });
    const memory = mapMemory(8192);
    const data = pattern(4, 2);
    memory.bytes.set(data, 36);
    const calls: number[] = [];
    const part = (at: number, into: Bytes, from: number, left: number, position: number) => {
      calls.push(position);
      return whole(at, into, from, BY_SEVEN(left), position);
    };
    expect(moveWhole(part, fd, memory, 36, 4 * 512, 1024)).toBe(DONE);
    expect(moved).toBe(4 * 512);
    expect(calls).toEqual([1024, 1724, 2424]);
    const expected = pattern(8, 1);
    if (kind === "write") expected.set(data, 1024);
    else expect(memory.bytes.slice(36, 36 + 2048)).toEqual(expected.slice(1024, 3072));
    closeFile(fd);
    expect(new Uint8Array(readFileSync(path))).toEqual(expected);
  });

  test.each([
    [0, EIO],
    [-ENOSPC, ENOSPC],
  ])("a part that ends with %d: how far it came, and why", (result, errno) => {
    const memory = mapMemory(4096);
    let parts = 0;
    const part = () => (parts++ < 3 ? 512 : result);
    expect(moveWhole(part, 0, memory, 0, 4096, 0)).toBe(errno);
    expect(moved).toBe(3 * 512);
  });
});

/** Does operations when told, `part` at a time. */
function partly(part: Part): BlockingIo & { readonly calls: number[] } {
  const waiting: (() => readonly [number, number])[] = [];
  const calls: number[] = [];
  const move = (
    how: typeof readAt,
    fd: number,
    address: number,
    length: number,
    position: number,
    token: number,
  ): void => {
    calls.push(position);
    waiting.push(() => {
      const size = part(length);
      if (size <= 0) return [token, size];
      const memory = { address, bytes: new Uint8Array(0) };
      return [token, how(fd, memory, 0, size, position)];
    });
  };
  return {
    kind: "worker",
    reason: "",
    fd: -1,
    calls,
    get pending() {
      return waiting.length;
    },
    read: (...all) => move(readAt, ...all),
    write: (...all) => move(writeAt, ...all),
    sync: (_fd, token) => waiting.push(() => [token, 0]),
    reap(ended: IoEnded) {
      const now = waiting.splice(0);
      for (const each of now) ended(...each());
      return now.length;
    },
    drain: () => {},
    close: () => {},
  };
}

describe("beside the loop", () => {
  const plain = (): Memory => {
    const bytes = new Uint8Array(16_384);
    return { bytes, view: new DataView(bytes.buffer), address: 0 };
  };

  /** Sector 2 on, so that the file's offset is not the export's. */
  function run(kind: "read" | "write", memory: Memory, part: Part) {
    const path = image(16);
    const beside = partly(part);
    const io = new FileIo({ open: () => beside });
    const store = openFileStore({ path, io, offset: 2, sync: true });
    const data = pattern(4, 3);
    memory.bytes.fill(0);
    if (kind === "write") memory.bytes.set(data, 36);
    // A read takes this way where it can't be told what is cached: memory without an address.
    const begun =
      kind === "write" ? store.write(5, 4, memory, 36, 9) : store.read(5, 4, memory, 36, 9);
    expect(begun).toBe(PENDING);
    const ends: { errno: number; good: number }[] = [];
    for (let polls = 0; polls < 50 && ends.length === 0; polls++) {
      io.poll((_token, errno, good) => ends.push({ errno, good }));
    }
    store.close();
    const expected = pattern(16, 1);
    if (kind === "write") expected.set(data, 7 * 512);
    return {
      end: ends[0],
      calls: beside.calls,
      file: new Uint8Array(readFileSync(path)),
      expected,
      read: memory.bytes.slice(36, 36 + 2048),
    };
  }

  test.each([
    ["write", "with an address", () => mapMemory(16_384)],
    ["write", "without", plain],
    ["read", "without", plain],
  ] as const)("a %s of memory %s in parts, with interruptions between", (kind, _with, make) => {
    let calls = 0;
    const part: Part = (left) => {
      calls++;
      if (calls === 3) return -EINTR;
      return calls === 4 ? -EAGAIN : BY_SEVEN(left);
    };
    const { end, file, expected, read, calls: positions } = run(kind, make(), part);
    expect(end).toEqual({ errno: DONE, good: 4 });
    expect(file).toEqual(expected);
    if (kind === "read") expect(read).toEqual(expected.slice(7 * 512, 11 * 512));
    const at = 7 * 512;
    expect(positions).toEqual([at, at + 700, at + 1400, at + 1400, at + 1400]);
  });

  test.each([
    [-ENOSPC, ENOSPC],
    [0, EIO],
  ])("a write whose third part ends with %d names the first bad sector", (result, errno) => {
    let calls = 0;
    const part: Part = () => (++calls === 3 ? result : 700);
    const { end, file, expected } = run("write", mapMemory(16_384), part);
    // 1400 bytes are two whole sectors.
    expect(end).toEqual({ errno, good: 2 });
    expect(file.slice(0, 7 * 512 + 1400)).toEqual(expected.slice(0, 7 * 512 + 1400));
  });
});
