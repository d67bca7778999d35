// Files by descriptor: results are the kernel's, at any address and for any owner.

import { afterAll, expect, test } from "bun:test";
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { probeLab, runInLab } from "../lab/lab.ts";
import { EAGAIN, EBADF, EOPNOTSUPP } from "./errno.ts";
import {
  closeFile,
  fileSize,
  lockFile,
  openFile,
  readAt,
  readCachedAt,
  resizeFile,
  syncFile,
  writeAt,
} from "./file.ts";
import { mapMemory } from "./memory.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

const path = join(directory, "disk.img");
const content = Uint8Array.from({ length: 8192 }, (_, at) => (at * 11) & 0xff);

test("reads and writes by address, of what is in memory without waiting too", () => {
  writeFileSync(path, content);
  const fd = openFile(path, { write: true });
  const memory = mapMemory(4096);
  expect(readAt(fd, memory, 16, 1000, 7)).toBe(1000);
  expect(memory.bytes.slice(16, 1016)).toEqual(content.slice(7, 1007));
  memory.bytes.fill(0);
  const cached = readCachedAt(fd, memory, 32, 500, 4000);
  if (cached !== -EOPNOTSUPP) {
    expect(cached).toBe(500);
    expect(memory.bytes.slice(32, 532)).toEqual(content.slice(4000, 4500));
  }
  expect(writeAt(fd, memory, 1000, 10, 8190)).toBe(10);
  expect(fileSize(fd)).toBe(8200);
  expect([resizeFile(fd, 100), fileSize(fd), syncFile(fd)]).toEqual([0, 100, 0]);
  closeFile(fd);
  memory.unmap();
});

test("what the kernel refuses is its errno", () => {
  const memory = mapMemory(512);
  expect(readAt(-1, memory, 0, 512, 0)).toBe(-EBADF);
  expect(writeAt(-1, memory, 0, 512, 0)).toBe(-EBADF);
  expect([-EBADF, -EOPNOTSUPP]).toContain(readCachedAt(-1, memory, 0, 512, 0));
  expect(syncFile(-1)).toBe(-EBADF);
  expect(resizeFile(1 << 20, 1)).toBe(-EBADF);
  expect(fileSize(-1)).toBe(-EBADF);
  expect(lockFile(-1, true)).toBe(-EBADF);
  memory.unmap();
});

test("readers share a lock, a writer has it alone", () => {
  writeFileSync(path, content);
  const [one = -1, two = -1, three = -1] = [0, 1, 2].map(() => openFile(path, { write: true }));
  expect([lockFile(one, false), lockFile(two, false), lockFile(three, true)]).toEqual([
    0,
    0,
    -EAGAIN,
  ]);
  closeFile(one);
  closeFile(two);
  expect([lockFile(three, true), lockFile(openFile(path, {}), false)]).toEqual([0, -EAGAIN]);
  closeFile(three);
});

// Only its owner may ask that the time of access be left alone. In a lab root is somebody who owns little.
const lab = probeLab();
const foreign = process.getuid?.() === 0 ? join(directory, "foreign.img") : "/etc/passwd";
if (!lab.available) test.skip(`a file of somebody else's is opened: ${lab.reason}`, () => {});
else {
  test("a file of somebody else's is opened", async () => {
    if (foreign !== "/etc/passwd") {
      writeFileSync(foreign, content, { mode: 0o644 });
      chownSync(foreign, 12_345, 12_345);
    }
    const script = `import { openFile } from ${JSON.stringify(join(import.meta.dir, "file.ts"))};
      console.log(openFile(${JSON.stringify(foreign)}, {}) >= 0)`;
    const run = await runInLab([process.execPath, "-e", script]);
    expect([run.stdout, run.stderr]).toEqual(["true\n", ""]);
    expect(statSync(foreign).size).toBeGreaterThan(0);
  });
}
