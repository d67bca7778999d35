// A file that is replaced: a crash between any two steps leaves the old contents or the new ones, and the new ones once
// it has said so; nothing that stands in the place of FILE.new is followed.

import { afterAll, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EEXIST, ENOENT, ENOSPC } from "./errno.ts";
import { type FileCalls, replaceFile } from "./replace_file.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-replace-"));
afterAll(() => rmSync(directory, { recursive: true }));

const OLD = new TextEncoder().encode("old");
const NEW = new TextEncoder().encode("the new contents");

/**
 * One directory on a disk that may lose power: a file's bytes are sure once it was synced, a name once its directory
 * was; what is not sure may be there, or not, or (bytes) in part.
 */
class Disk implements FileCalls {
  /** As programs see it, and as it is sure to be after a crash. */
  private readonly files = new Map<string, { bytes: Uint8Array; sure: Uint8Array | null }>();
  private names = new Map<string, string>();
  private sureNames = new Map<string, string>();
  private readonly open = new Map<number, string>();
  private serial = 0;
  /** Bytes that one write takes at most. */
  piece = Infinity;
  /** The step that the power does not live to see. */
  stepsLeft = Infinity;

  put(name: string, bytes: Uint8Array): void {
    const file = `#${this.serial++}`;
    this.files.set(file, { bytes, sure: bytes });
    this.names.set(name, file);
    this.sureNames.set(name, file);
  }

  private step(): void {
    if (this.stepsLeft-- === 0) throw new PowerLoss();
  }
  openSync = (path: string, flags: number): number => {
    this.step();
    const fd = 100 + this.serial++;
    if ((flags & fs.constants.O_CREAT) === 0) {
      this.open.set(fd, "directory");
      return fd;
    }
    if (this.names.has(path)) throw Object.assign(new Error("EEXIST"), { errno: -17 });
    this.files.set(`#${fd}`, { bytes: new Uint8Array(0), sure: null });
    this.names.set(path, `#${fd}`);
    this.open.set(fd, `#${fd}`);
    return fd;
  };
  writeSync = (fd: number, bytes: Uint8Array, from: number): number => {
    this.step();
    const file = this.files.get(this.open.get(fd) ?? "");
    if (file === undefined) throw new Error("invariant: an open file");
    const part = bytes.subarray(from, from + Math.min(this.piece, bytes.length - from));
    file.bytes = new Uint8Array([...file.bytes, ...part]);
    return part.length;
  };
  fsyncSync = (fd: number): void => {
    this.step();
    const name = this.open.get(fd);
    if (name === "directory") this.sureNames = new Map(this.names);
    else for (const [key, file] of this.files) if (key === name) file.sure = file.bytes;
  };
  closeSync = (fd: number): void => {
    this.open.delete(fd);
  };
  renameSync = (from: string, to: string): void => {
    this.step();
    this.names.set(to, this.names.get(from) ?? "");
    this.names.delete(from);
  };
  unlinkSync = (path: string): void => {
    if (!this.names.delete(path)) throw Object.assign(new Error("ENOENT"), { errno: -ENOENT });
  };

  /** Everything that `name` may hold after a crash now. */
  after(name: string): string[] {
    const may = new Set<string>();
    for (const names of [this.sureNames, this.names]) {
      const file = this.files.get(names.get(name) ?? "");
      if (file === undefined) may.add("nothing");
      else if (file.sure !== null) may.add(text(file.sure));
      else may.add("anything");
    }
    return [...may];
  }
}

class PowerLoss extends Error {}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

describe("a crash", () => {
  test("before any step leaves the old or the new contents; after the last the new ones are sure", () => {
    let steps = 0;
    let ended = false;
    for (; !ended; steps++) {
      const disk = new Disk();
      disk.put("/d/file", OLD);
      disk.put("/d/file.new", new TextEncoder().encode("left by a crash"));
      disk.piece = 5;
      disk.stepsLeft = steps;
      try {
        expect(replaceFile("/d/file", NEW, disk)).toBe(0);
        ended = true;
      } catch (error) {
        expect(error).toBeInstanceOf(PowerLoss);
      }
      const may = disk.after("/d/file");
      if (ended) expect(may).toEqual([text(NEW)]);
      for (const contents of may) expect([text(OLD), text(NEW)]).toContain(contents);
    }
    // Two opens, four writes, two syncs, a rename.
    expect(steps).toBe(10);
  });
});

/** One with a reader, so that to open it would not wait for ever. */
function makeFifo(path: string): void {
  expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0);
  fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
}

describe("what stands in the place of FILE.new", () => {
  test.each([
    ["a link to another file", (path: string, other: string) => symlinkSync(other, path)],
    ["a dangling link", (path: string, other: string) => symlinkSync(`${other}.none`, path)],
    ["a FIFO", makeFifo],
    ["what a crash left", (path: string) => writeFileSync(path, "x".repeat(1000))],
  ])("%s is removed, not followed", (_name, make) => {
    const place = mkdtempSync(join(directory, "in-"));
    const other = join(place, "other");
    const path = join(place, "file");
    writeFileSync(other, "somebody else's");
    writeFileSync(path, OLD);
    make(`${path}.new`, other);
    expect(replaceFile(path, NEW)).toBe(0);
    expect(lstatSync(path).isFile()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(text(NEW));
    expect(readFileSync(other, "utf8")).toBe("somebody else's");
    expect(readdirSync(place).toSorted()).toEqual(["file", "other"]);
    expect(lstatSync(path).mode & 0o777).toBe(0o600);
  });

  test("what is put there in the last moment is not followed either", () => {
    const place = mkdtempSync(join(directory, "in-"));
    const other = join(place, "other");
    const path = join(place, "file");
    writeFileSync(other, "somebody else's");
    writeFileSync(path, OLD);
    let removed = 0;
    const raced: FileCalls = {
      ...fs,
      unlinkSync(name: string): void {
        if (removed++ > 0) fs.unlinkSync(name);
        else symlinkSync(other, name);
      },
    };
    expect(replaceFile(path, NEW, raced)).toBe(-EEXIST);
    expect(readFileSync(other, "utf8")).toBe("somebody else's");
    expect(readFileSync(path, "utf8")).toBe("old");
  });

  test("a directory is an errno, and the file is as it was", () => {
    const place = mkdtempSync(join(directory, "in-"));
    const path = join(place, "file");
    writeFileSync(path, OLD);
    mkdirSync(`${path}.new`);
    expect(replaceFile(path, NEW)).toBeLessThan(0);
    expect(readFileSync(path, "utf8")).toBe("old");
  });
});

test("a full disk is an errno; the file is as it was, and nothing is left beside it", () => {
  const place = mkdtempSync(join(directory, "in-"));
  const path = join(place, "file");
  writeFileSync(path, OLD);
  let room = 5;
  const full: FileCalls = {
    ...fs,
    writeSync(fd: number, bytes: Uint8Array, from: number): number {
      const part = Math.min(room, bytes.length - from);
      room -= part;
      if (part === 0) throw Object.assign(new Error("ENOSPC"), { errno: -ENOSPC });
      return writeSync(fd, bytes, from, part);
    },
  };
  expect(replaceFile(path, NEW, full)).toBe(-ENOSPC);
  expect(readFileSync(path, "utf8")).toBe("old");
  expect(existsSync(`${path}.new`)).toBe(false);
  expect(replaceFile(join(place, "none", "file"), NEW)).toBe(-ENOENT);
});
