// File stores whose waiting is done beside the loop, by io_uring and by Workers: what is answered at once and what
// is not, that both store the same, and that what blocks in one export leaves the others alone.
//
// Over 400 lines, because both ways are held to one list of cases, and a case needs the disk of another.

import { afterAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { drive } from "../../link/drive.ts";
import type { FrameView, Memory, TxBuffer } from "../../link/link.ts";
import { createMemoryPair } from "../../link/memory.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import type { BlockingIo, BlockingKind } from "../../sys/blocking_io.ts";
import { now } from "../../sys/clock.ts";
import { EIO } from "../../sys/errno.ts";
import { isInMemory } from "../../sys/file.ts";
import { openIoUring } from "../../sys/io_uring.ts";
import { openIoWorkers } from "../../sys/io_workers.ts";
import { mapMemory } from "../../sys/memory.ts";
import { createPoller } from "../../sys/poll.ts";
import { Failure } from "../../words/failure.ts";
import * as ata from "../../wire/ata.ts";
import { toBytes } from "../../wire/frame.ts";
import { Export } from "../protocol/export.ts";
import {
  ataFrame,
  OURS,
  pattern,
  PEER,
  readFrame,
  writeFrame,
} from "../../testing/doubles/probe.ts";
import { DONE, PENDING, type Store, WOULD_WAIT } from "./store.ts";
import { Target } from "../protocol/target.ts";
import { type FileStoreOptions, openFileStore } from "./file.ts";
import { FileIo, type FileIoOptions } from "./file_io.ts";
import { openBlockingIo } from "../../sys/open_blocking_io.ts";

/** What a slow disk takes for a sync, ns. */
const DISK = 1e9;
const directory = mkdtempSync(join(tmpdir(), "aoe-beside-"));
afterAll(() => rmSync(directory, { recursive: true }));

const ring = openIoUring();
const noRing = typeof ring === "string" ? ` (skipped: ${ring})` : "";
if (typeof ring !== "string") ring.close();

let files = 0;
function image(sectors: number): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, 1));
  return path;
}

/** Throws the file out of the page cache. */
function makeCold(path: string): void {
  Bun.spawnSync(["sync", "-d", path]);
  const drop = Bun.spawnSync(["dd", `if=${path}`, "iflag=nocache", "count=0"], { stderr: "pipe" });
  expect(drop.exitCode).toBe(0);
}

/** Those of `paths` that this process has open. */
function openOf(paths: readonly string[]): string[] {
  return readdirSync("/proc/self/fd")
    .map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return "";
      }
    })
    .filter((path) => paths.includes(path));
}

interface Ends {
  readonly token: number;
  readonly errno: number;
  readonly good: number;
}

/** A FileIo and a way to wait for what is pending. */
function bench(options: FileIoOptions = {}) {
  const poller = createPoller();
  const io = new FileIo({
    ...options,
    onOpen: (opened) => poller.add(opened.fd, () => opened.drain()),
  });
  return {
    io,
    finish(): Ends[] {
      const ends: Ends[] = [];
      for (let waits = 0; io.pending > 0 && waits < 10_000; waits++) {
        io.poll((token, errno, good) => ends.push({ token, errno, good }));
        if (io.pending > 0) poller.wait(now() + 1e9);
      }
      return ends;
    },
    close() {
      io.close();
      poller.close();
    },
  };
}

const FLUSH_TAG = 2;

function open(options: FileStoreOptions): Store {
  return openFileStore(options);
}

describe.each<[BlockingKind, string]>([
  ["io_uring", noRing],
  ["worker", ""],
])("%s", (kind, why) => {
  const on = test.skipIf(why !== "");

  on(`a cached read is answered at once, a cold one later, and both are right${why}`, () => {
    const { io, finish, close } = bench({ kind });
    const path = image(256);
    const store = open({ path, io });
    const memory = mapMemory(8192);
    if (store.readNow?.(3, 2, memory, 36) === DONE) {
      expect(io.begun).toBe(0);
      expect(memory.bytes.slice(36, 36 + 1024)).toEqual(pattern(256, 1).slice(3 * 512, 5 * 512));
      let result = DONE;
      // Pages that a CPU has still to put on the kernel's lists stay at first.
      for (let tries = 0; tries < 20 && result === DONE; tries++) {
        makeCold(path);
        memory.bytes.fill(0);
        result = store.read(100, 15, memory, 36, 9);
        if (isInMemory(path)) break;
      }
      // A file system in memory has no cold pages.
      expect(result).toBe(isInMemory(path) ? DONE : PENDING);
      if (result === PENDING) {
        expect(finish()).toEqual([{ token: 9, errno: DONE, good: 15 }]);
      }
      expect(memory.bytes.slice(36, 36 + 15 * 512)).toEqual(
        pattern(256, 1).slice(100 * 512, 115 * 512),
      );
    }
    store.close();
    close();
  });

  on(`-s and -d answer later, are right in memory with and without an address${why}`, () => {
    const path = image(64);
    const plain = new Uint8Array(9000);
    const array: Memory = { bytes: plain, view: new DataView(plain.buffer), address: 0 };
    const { io, finish, close } = bench({ kind });
    const expected = pattern(64, 1);
    for (const [seed, direct, memory] of [
      [2, true, mapMemory(9000)],
      [3, true, array],
      [4, false, mapMemory(9000)],
      [5, false, array],
    ] as const) {
      let store: Store;
      try {
        store = open({ path, io, direct, sync: true });
      } catch (error) {
        expect((error as Failure).message).toContain("O_DIRECT");
        console.log(`skipped: ${(error as Failure).message}`);
        continue;
      }
      const data = pattern(17, seed);
      memory.bytes.set(data, 36);
      expect(store.writeNow?.(7, 17, memory, 36)).toBe(WOULD_WAIT);
      expect(store.write(7, 17, memory, 36, 1)).toBe(PENDING);
      expect(finish()).toEqual([{ token: 1, errno: DONE, good: 17 }]);
      expected.set(data, 7 * 512);
      memory.bytes.fill(0);
      const read = store.read(6, 17, memory, 36, 2);
      if (read === PENDING) expect(finish()).toEqual([{ token: 2, errno: DONE, good: 17 }]);
      else expect(read).toBe(DONE);
      expect(memory.bytes.slice(36, 36 + 17 * 512)).toEqual(expected.slice(6 * 512, 23 * 512));
      store.close();
      expect(new Uint8Array(readFileSync(path))).toEqual(expected);
    }
    close();
  });

  on(`a flush comes after what it covers, and writes behind it don't wait for it${why}`, () => {
    const { io, finish, close } = bench({ kind });
    const path = image(64);
    const store = open({ path, io });
    const memory = mapMemory(4096);
    expect(store.write(0, 1, memory, 0, 1)).toBe(DONE);
    expect(store.flush(2)).toBe(PENDING);
    // The journal may hold a write up while it is flushed, so that goes beside the loop as well.
    expect(store.write(1, 1, memory, 0, 3)).toBe(PENDING);
    expect(
      finish()
        .map(({ token, errno }) => [token, errno])
        .sort(),
    ).toEqual([
      [2, DONE],
      [3, DONE],
    ]);
    expect(store.write(1, 1, memory, 0, 4)).toBe(DONE);
    store.close();
    close();
  });

  on(`a file that was cut is EIO at the first sector that is gone${why}`, () => {
    const { io, finish, close } = bench({ kind });
    const path = image(64);
    const store = open({ path, io });
    truncateSync(path, 10 * 512 + 100);
    const read = store.read(8, 4, mapMemory(4096), 0, 7);
    if (read === PENDING) expect(finish()).toEqual([{ token: 7, errno: EIO, good: 2 }]);
    else expect([read, store.good]).toEqual([EIO, 2]);
    store.close();
    close();
  });

  on(`a store that is closed while something is pending closes its file afterwards${why}`, () => {
    const { io, finish, close } = bench({ kind });
    const path = image(8);
    const store = open({ path, io });
    expect(store.flush(1)).toBe(PENDING);
    store.close();
    expect(openOf([path])).toEqual([path]);
    expect(finish()).toEqual([{ token: 1, errno: DONE, good: 0 }]);
    expect(openOf([path])).toEqual([]);
    close();
  });

  on(`closed while something is pending, nothing throws and the operation still ends${why}`, () => {
    const { io, finish, close } = bench({ kind });
    const store = open({ path: image(8), io });
    expect(store.flush(1)).toBe(PENDING);
    io.close();
    expect(finish()).toEqual([{ token: 1, errno: DONE, good: 0 }]);
    store.close();
    close();
  });

  on(
    `an export whose disk takes a second delays no other's reads${why}`,
    async () => {
      const blocked = blockedIo(kind);
      const waiter = createPollWaiter();
      const io = new FileIo({
        open: () => blocked.io,
        onOpen: (opened) => waiter.wakeFor(opened.fd, () => opened.drain()),
      });
      const [ours, peer] = createMemoryPair({ clock: waiter, macA: OURS, macB: PEER });
      const target = new Target();
      const slow = new Export({ major: 7, minor: 3, store: open({ path: image(64), io }) });
      const quick = new Export({ major: 7, minor: 4, store: open({ path: image(64), io }) });
      target.addExport(slow);
      target.addExport(quick);
      target.addPort(ours, "ours");
      const buffer = peer.allocate(1514) as TxBuffer;
      const send = (bytes: Uint8Array): void => {
        buffer.bytes.set(bytes);
        expect(peer.transmit(buffer, bytes.length)).toBe(true);
      };
      let flushedAt = 0;
      let reads = 0;
      let worst = 0;
      let sentAt = 0;
      const start = waiter.now();
      const next = (): void => {
        sentAt = waiter.now();
        send(toBytes(readFrame(reads % 60, 2, { minor: 4, tag: 1000 + reads })));
      };
      const visit = ({ view, base }: FrameView): void => {
        if (view.getUint8(base + 19) !== 0) return;
        if (view.getUint8(base + 18) === 3) {
          expect(view.getUint8(base + 27)).toBe(ata.STATUS_DRDY);
          if (view.getUint32(base + 20) === FLUSH_TAG) flushedAt = waiter.now();
          return;
        }
        worst = Math.max(worst, waiter.now() - sentAt);
        reads++;
        if (flushedAt === 0) next();
      };
      send(toBytes(writeFrame(0, pattern(2, 3), { tag: 1 })));
      send(toBytes(ataFrame({ command: ata.FLUSH_EXT }, { tag: FLUSH_TAG })));
      next();
      await drive({
        core: target,
        waiter,
        until: () => {
          blocked.release(waiter.now() - start);
          peer.receive(visit, 64);
          return (flushedAt > 0 && target.inHand === 0) || waiter.now() - start > 30e9;
        },
      });
      expect(flushedAt - start).toBeGreaterThanOrEqual(DISK);
      // Behind the flush there would be one.
      expect(reads).toBeGreaterThan(10);
      // Nothing like the disk's time; what a busy machine takes from us is not the store's doing.
      expect(worst).toBeLessThan(0.9 * DISK);
      expect(target.inHand).toBe(0);
      slow.store.close();
      quick.store.close();
      io.close();
      blocked.close();
      waiter.close();
    },
    60_000,
  );
});

function withSync(inner: BlockingIo, sync: BlockingIo["sync"]): BlockingIo {
  return {
    kind: inner.kind,
    reason: inner.reason,
    fd: inner.fd,
    get pending() {
      return inner.pending;
    },
    read: (...all) => inner.read(...all),
    write: (...all) => inner.write(...all),
    sync,
    reap: (ended) => inner.reap(ended),
    drain: () => inner.drain(),
    close: () => inner.close(),
  };
}

/** An io whose sync holds a thread for DISK: a FIFO nobody writes, or a Worker that pauses. */
function blockedIo(kind: BlockingKind) {
  if (kind === "worker") {
    const workers = openIoWorkers("");
    const io = withSync(workers, (fd, token) => workers.pause(fd, DISK, token));
    return { io, release: () => {}, close: () => {} };
  }
  const fifo = join(directory, "held.fifo");
  expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
  const held = openSync(fifo, constants.O_RDWR);
  const page = mapMemory(4096);
  const inner = openBlockingIo("io_uring");
  let waiting = 0;
  const io = withSync(inner, (_fd, token) => {
    waiting++;
    inner.read(held, page.address, 1, 0, token);
  });
  return {
    io,
    release(elapsed: number): void {
      if (elapsed < DISK || waiting === 0) return;
      writeSync(held, new Uint8Array(waiting));
      waiting = 0;
    },
    close: () => closeSync(held),
  };
}

describe("images made on demand", () => {
  test("--create makes a hole of the size, and takes one that is there", () => {
    const path = join(directory, "sparse.img");
    const create = 10 * 1024 ** 3;
    const store = open({ path, create });
    expect(store.sectors).toBe(create / 512);
    const { size, blocks } = statSync(path);
    expect([size, blocks]).toEqual([create, 0]);
    const memory = mapMemory(512);
    memory.bytes.set(pattern(1, 4));
    expect(store.write(create / 512 - 1, 1, memory, 0, 0)).toBe(DONE);
    store.close();
    const again = open({ path, create });
    memory.bytes.fill(0);
    expect(again.read(create / 512 - 1, 1, memory, 0, 0)).toBe(DONE);
    expect(memory.bytes.slice(0, 512)).toEqual(pattern(1, 4));
    again.close();
    unlinkSync(path);
  });

  test.each([
    ["another size", 64 * 512, 5, "was to be made with 65536 bytes, and exists with 32768"],
    ["no whole sectors", 1000, 2, "multiple of 512"],
    ["nothing", 0, 2, "multiple of 512"],
  ])("--create of %s is a sentence", (_name, bytes, code, part) => {
    const path = image(64);
    const create = bytes === 64 * 512 ? 65_536 : bytes;
    try {
      open({ path, create });
      throw new Error("opened");
    } catch (error) {
      expect(error).toBeInstanceOf(Failure);
      expect((error as Failure).exitCode).toBe(code);
      expect((error as Failure).message).toContain(part);
    }
    expect(statSync(path).size).toBe(64 * 512);
  });

  test("--create in a directory that is not there is a sentence", () => {
    expect(() => open({ path: join(directory, "no/where.img"), create: 512 })).toThrow(
      "Can't make the image",
    );
  });
});

describe("files opened on first use", () => {
  test("nothing is open before, and no more than the bound after; contents are right", () => {
    const { io, finish, close } = bench({ mostOpen: 5 });
    const paths = Array.from({ length: 20 }, () => image(8));
    const opened = (): number => openOf(paths).length;
    const stores = paths.map((path) => open({ path, io, lazy: true }));
    expect(stores.every(({ sectors }) => sectors === 8)).toBe(true);
    expect(opened()).toBe(0);
    const memory = mapMemory(4096);
    for (let round = 0; round < 3; round++) {
      for (const [index, store] of stores.entries()) {
        memory.bytes.set(pattern(1, index));
        expect(store.write(index % 8, 1, memory, 0, 0)).toBe(DONE);
        expect(opened()).toBeLessThanOrEqual(5);
      }
    }
    for (const [index, store] of stores.entries()) {
      if (store.read(index % 8, 1, memory, 0, 0) === PENDING) finish();
      expect(memory.bytes.slice(0, 512)).toEqual(pattern(1, index));
      store.close();
    }
    expect(opened()).toBe(0);
    close();
  });

  test("a file that is gone by then is an errno, and nothing throws", () => {
    const { io, close } = bench();
    const path = image(8);
    const store = open({ path, io, lazy: true });
    unlinkSync(path);
    expect(store.read(0, 1, mapMemory(512), 0, 0)).toBeGreaterThan(0);
    expect(store.flush(0)).toBeGreaterThan(0);
    store.close();
    close();
  });

  test("what stands in its place by then is served only where it is an image", () => {
    const { io, close } = bench();
    for (const make of ["mkfifo", "mkdir", "ln -s /dev/zero", "truncate -s 100"]) {
      const path = image(8);
      const store = open({ path, io, lazy: true });
      unlinkSync(path);
      expect(Bun.spawnSync(["sh", "-c", `${make} "${path}"`]).exitCode).toBe(0);
      // A FIFO without a writer is neither waited for nor read.
      expect(store.read(0, 1, mapMemory(512), 0, 0), make).toBeGreaterThan(0);
      expect(store.write(0, 1, mapMemory(512), 0, 0), make).toBeGreaterThan(0);
      store.close();
    }
    close();
  });

  test("what is no image is refused at once", () => {
    const { io, close } = bench();
    const path = image(8);
    truncateSync(path, 100);
    expect(() => open({ path, io, lazy: true })).toThrow("multiple of 512");
    expect(() => open({ path: `${path}.none`, io, lazy: true })).toThrow("does not exist");
    expect(() => open({ path: directory, io, lazy: true, readOnly: true })).toThrow("directory");
    close();
  });
});
