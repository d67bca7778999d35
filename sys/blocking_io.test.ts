// Both ways of doing file operations beside the loop, by one list of tests: what comes back is what pread,
// pwrite and fdatasync say, and what blocks in one file holds up nobody else.

import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { BlockingKind, BlockingIo } from "./blocking_io.ts";
import { EBADF } from "./errno.ts";
import { openIoUring } from "./io_uring.ts";
import { openIoWorkers } from "./io_workers.ts";
import { mapMemory } from "./memory.ts";
import { now } from "./clock.ts";
import { createPoller } from "./poll.ts";
import { Failure } from "../words/failure.ts";
import { openBlockingIo } from "./open_blocking_io.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-io-"));
afterAll(() => rmSync(directory, { recursive: true }));

const probe = openIoUring();
const noRing = typeof probe === "string" ? ` (skipped: ${probe})` : "";
if (typeof probe !== "string") probe.close();

/** Waits asleep, as the loop does, until `count` operations have been told. */
function finish(io: BlockingIo, count: number): Map<number, number> {
  const poller = createPoller();
  poller.add(io.fd, () => io.drain());
  const results = new Map<number, number>();
  for (let waits = 0; results.size < count && waits < 100_000; waits++) {
    if (io.reap((token, result) => results.set(token, result)) === 0) poller.wait(now() + 5e9);
  }
  poller.close();
  return results;
}

function file(bytes: Uint8Array): { fd: number; path: string } {
  const path = join(directory, `${Math.random()}`);
  writeFileSync(path, bytes);
  return { fd: openSync(path, constants.O_RDWR), path };
}

describe.each<[BlockingKind, boolean]>([
  ["io_uring", noRing !== ""],
  ["worker", false],
])("%s", (kind, absent) => {
  const on = test.skipIf(absent);
  const why = absent ? noRing : "";

  on(`reads, writes and syncs, and says so through its descriptor${why}`, () => {
    const io = openBlockingIo(kind);
    expect(io.kind).toBe(kind);
    const content = Uint8Array.from({ length: 8192 }, (_, at) => (at * 7) & 0xff);
    const { fd, path } = file(content);
    const memory = mapMemory(8192);
    io.read(fd, memory.address, 4096, 100, 5);
    expect(io.pending).toBe(1);
    expect(finish(io, 1)).toEqual(new Map([[5, 4096]]));
    expect(memory.bytes.slice(0, 4096)).toEqual(content.slice(100, 4196));
    memory.bytes.fill(0x5a);
    io.write(fd, memory.address + 10, 50, 8190, 6);
    expect(finish(io, 1)).toEqual(new Map([[6, 50]]));
    io.sync(fd, 7);
    expect(finish(io, 1)).toEqual(new Map([[7, 0]]));
    expect(readFileSync(path).subarray(8190)).toEqual(Buffer.alloc(50, 0x5a));
    expect(io.pending).toBe(0);
    closeSync(fd);
    io.close();
    memory.unmap();
  });

  on(`the end of a file is a short read, an error its errno${why}`, () => {
    const io = openBlockingIo(kind);
    const { fd } = file(new Uint8Array(100));
    const memory = mapMemory(4096);
    io.read(fd, memory.address, 512, 40, 1);
    io.read(fd, memory.address + 512, 512, 1000, 2);
    io.read(-1, memory.address, 512, 0, 3);
    io.sync(-1, 4);
    expect(finish(io, 4)).toEqual(
      new Map([
        [1, 60],
        [2, 0],
        [3, -EBADF],
        [4, -EBADF],
      ]),
    );
    closeSync(fd);
    io.close();
    memory.unmap();
  });

  on(`more at once than it has room for: each ends once${why}`, () => {
    const io = openBlockingIo(kind);
    const content = Uint8Array.from({ length: 65_536 }, (_, at) => (at >> 6) & 0xff);
    const { fd } = file(content);
    const count = 1000;
    const memory = mapMemory(count * 64);
    for (let token = 0; token < count; token++) {
      io.read(fd, memory.address + token * 64, 64, token * 64, token);
    }
    const results = finish(io, count);
    expect([...results.values()].every((result) => result === 64)).toBe(true);
    expect(results.size).toBe(count);
    // And once more, with what the first round has left for use again.
    memory.bytes.fill(0, 0, 32);
    for (let token = 0; token < 4; token++) {
      io.read(fd, memory.address + token * 8, 8, token * 8, token);
    }
    expect(finish(io, 4).size).toBe(4);
    expect(
      Buffer.compare(memory.bytes.subarray(0, count * 64), content.subarray(0, count * 64)),
    ).toBe(0);
    closeSync(fd);
    io.close();
    memory.unmap();
  });
});

/** While `held` operations are held, 50 others in their turn end. */
function expectOthersGoOn(io: BlockingIo, fd: number, held: number): void {
  const memory = mapMemory(512);
  for (let token = 0; token < 50; token++) {
    io.read(fd, memory.address, 512, 0, token);
    expect(finish(io, 1)).toEqual(new Map([[token, 512]]));
  }
  expect(io.pending).toBe(held);
  memory.unmap();
}

test.skipIf(noRing !== "")(`io_uring: what blocks in one file holds up no other${noRing}`, () => {
  const io = openBlockingIo("io_uring");
  // A FIFO that nobody writes holds the kernel's threads for as long as we like.
  const fifo = join(directory, "held.fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const held = openSync(fifo, constants.O_RDWR);
  const { fd } = file(new Uint8Array(4096));
  const memory = mapMemory(512);
  for (let token = 0; token < 20; token++) io.read(held, memory.address, 1, 0, 100 + token);
  expectOthersGoOn(io, fd, 20);
  writeSync(held, new Uint8Array(20));
  expect(finish(io, 20).size).toBe(20);
  for (const each of [held, fd]) closeSync(each);
  io.close();
  memory.unmap();
});

test("worker: what blocks in one file holds up no other", () => {
  const io = openIoWorkers("");
  const { fd } = file(new Uint8Array(4096));
  // Two Workers at most are held by one of them; long enough for a busy machine.
  const held = 2e9;
  const begun = now();
  for (let token = 0; token < 3; token++) io.pause(-1, held, 100 + token);
  expectOthersGoOn(io, fd, 3);
  expect(finish(io, 3).size).toBe(3);
  expect(now() - begun).toBeGreaterThan(2 * held - 1e6);
  closeSync(fd);
  io.close();
});

test("a Worker rings by a descriptor of its own: a file that has our number meanwhile stays as it is", () => {
  const io = openIoWorkers("a test");
  // It has started, and opens nothing more.
  io.pause(-1, 1, 1);
  finish(io, 1);
  io.pause(-1, 30e6, 2);
  closeSync(io.fd);
  const path = join(directory, "ours.img");
  const lower: number[] = [];
  let fd = openSync(path, "w");
  for (; fd < io.fd; fd = openSync(path, "w")) lower.push(fd);
  expect(fd).toBe(io.fd);
  const patience = now() + 10e9;
  while (io.reap(() => {}) === 0 && now() < patience) Bun.sleepSync(1);
  expect(io.pending).toBe(0);
  // It rings after its result is there.
  Bun.sleepSync(20);
  expect(readFileSync(path).length).toBe(0);
  for (const each of lower) closeSync(each);
  // Closes the file, by the number that was its own.
  io.close();
});

test("Workers know why there is no io_uring; insisting on one that is not there is a sentence", () => {
  const io = openBlockingIo();
  expect(io.kind === "io_uring" ? io.reason === "" : io.reason.length > 10).toBe(true);
  io.close();
  if (noRing === "") return;
  expect(() => openBlockingIo("io_uring")).toThrow(Failure);
});

test("a file is replaced by a Worker, whatever its name, and its memory is given back", () => {
  const io = openIoWorkers("");
  const path = join(directory, "größe 中.json");
  const size = (): number =>
    Number(/VmSize:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
  const bytes = new Uint8Array(8 << 20).fill(65);
  io.replace(path, bytes, 1);
  expect(finish(io, 1).get(1)).toBe(0);
  const before = size();
  for (let round = 0; round < 10; round++) {
    bytes[0] = round;
    io.replace(path, bytes, 1);
    expect(finish(io, 1).get(1)).toBe(0);
  }
  expect(size() - before).toBeLessThan(40 << 10);
  expect(readFileSync(path).equals(bytes)).toBe(true);
  io.replace(join(directory, "none", "x"), bytes, 2);
  expect(finish(io, 1).get(2)).toBeLessThan(0);
  io.close();
});
