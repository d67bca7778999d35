// A file's pages as the kernel copies to and from them: every byte of a write, and an errno where a page is gone.

import { afterAll, expect, test } from "bun:test";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { EFAULT } from "./errno.ts";
import { mapFile } from "./mapped_file.ts";
import { mapMemory, PAGE_BYTES } from "./memory.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-mapped-"));
afterAll(() => rmSync(directory, { recursive: true }));

test("a write of any length goes whole, and touches nothing beside", () => {
  const path = join(directory, "disk.img");
  writeFileSync(path, new Uint8Array(2 * PAGE_BYTES).fill(0x11));
  const fd = openSync(path, "r+");
  const file = mapFile(fd, 2 * PAGE_BYTES, true);
  const memory = mapMemory(PAGE_BYTES);
  memory.bytes.fill(0x22);
  for (const [length, at] of [
    [512, 512],
    [517, PAGE_BYTES - 200],
    [1, 0],
  ] as const) {
    expect(file?.write(memory.address, length, at)).toBe(length);
    const bytes = readFileSync(path);
    expect(bytes.subarray(at, at + length).every((byte) => byte === 0x22)).toBe(true);
    expect(bytes[at + length]).toBe(0x11);
    writeFileSync(path, new Uint8Array(2 * PAGE_BYTES).fill(0x11));
  }
  // The file is cut under its mapping: its pages are gone.
  truncateSync(path, 0);
  expect(file?.write(memory.address, 512, PAGE_BYTES)).toBe(-EFAULT);
  file?.unmap();
  closeSync(fd);
  memory.unmap();
});
