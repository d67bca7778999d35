// File stores: real files, addressed and plain memory, what is refused and why.

import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";

import type { Memory } from "../../link/link.ts";
import { EBADF, EIO } from "../../sys/errno.ts";
import { mapMemory } from "../../sys/memory.ts";
import { Failure } from "../../words/failure.ts";
import { pattern } from "../../testing/doubles/probe.ts";
import { DONE } from "./store.ts";
import { type FileStoreOptions, openFileStore } from "./file.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-store-"));
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function image(sectors: number): string {
  const path = join(directory, `${files++}.img`);
  writeFileSync(path, pattern(sectors, 1));
  return path;
}

function plain(bytes: number): Memory {
  const array = new Uint8Array(bytes);
  return { bytes: array, view: new DataView(array.buffer), address: 0 };
}

function sentence(options: FileStoreOptions): string {
  try {
    openFileStore(options).close();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    expect(error.message).not.toContain("\n");
    return `${error.exitCode}: ${error.message}`;
  }
  return "opened";
}

describe.each([
  ["addressed memory", (bytes: number): Memory => mapMemory(bytes)],
  ["a plain array", plain],
])("through %s", (_name, make) => {
  test("reads and writes sectors at any offset of the memory", () => {
    const path = image(64);
    const store = openFileStore({ path, offset: 10, length: 50 });
    expect(store.sectors).toBe(50);
    const memory = make(9000);
    expect(store.read(3, 2, memory, 36, 0)).toBe(DONE);
    expect(memory.bytes.slice(36, 36 + 1024)).toEqual(pattern(64, 1).slice(13 * 512, 15 * 512));
    memory.bytes.set(pattern(2, 9), 40);
    expect(store.write(49, 1, memory, 40, 0)).toBe(DONE);
    expect(store.flush(0)).toBe(DONE);
    store.close();
    const expected = pattern(64, 1);
    expected.set(pattern(2, 9).slice(0, 512), 59 * 512);
    expect(new Uint8Array(readFileSync(path))).toEqual(expected);
  });

  test("a file that was cut is EIO at the first sector that is gone", () => {
    const path = image(64);
    const store = openFileStore({ path });
    truncateSync(path, 10 * 512 + 100);
    expect(store.read(8, 4, make(4096), 0, 0)).toBe(EIO);
    expect(store.good).toBe(2);
    store.close();
  });

  test("a write that the kernel refuses is its errno", () => {
    const store = openFileStore({ path: image(8), readOnly: true });
    expect(store.writable).toBe(false);
    expect(store.write(0, 1, make(512), 0, 0)).toBe(EBADF);
    store.close();
  });

  test("-d and -s read back what they wrote", () => {
    const path = image(64);
    let store: ReturnType<typeof openFileStore>;
    try {
      store = openFileStore({ path, direct: true, sync: true });
    } catch (error) {
      // tmpfs has no O_DIRECT before Linux 6.6; the sentence says so.
      expect((error as Failure).message).toContain("O_DIRECT");
      console.log(`skipped: ${(error as Failure).message} (${statfsSync(directory).type})`);
      return;
    }
    expect(store.synchronous).toBe(true);
    const memory = make(9000);
    memory.bytes.set(pattern(17, 5), 36);
    expect(store.write(7, 17, memory, 36, 0)).toBe(DONE);
    memory.bytes.fill(0);
    expect(store.read(7, 17, memory, 36, 0)).toBe(DONE);
    expect(memory.bytes.slice(36, 36 + 17 * 512)).toEqual(pattern(17, 5));
    store.close();
  });
});

describe("what is refused", () => {
  test("what is no image", () => {
    const path = image(1);
    writeFileSync(path, new Uint8Array(1000));
    expect(sentence({ path })).toBe(
      `5: The size of the image ${path} must be a multiple of 512 bytes, and is 1000`,
    );
    writeFileSync(path, "");
    expect(sentence({ path })).toBe(`5: The image ${path} is empty`);
    expect(sentence({ path: `${path}.none` })).toBe(
      `5: The image ${path}.none does not exist; --create SIZE (\`create\` of a configuration) makes it`,
    );
    const folder = join(directory, "folder");
    mkdirSync(folder);
    expect(sentence({ path: folder })).toContain(folder);
    expect(sentence({ path: folder, readOnly: true })).toContain("is a directory");
    const fifo = join(directory, "fifo");
    expect(Bun.spawnSync(["mkfifo", fifo]).exitCode).toBe(0);
    expect(sentence({ path: fifo })).toContain("is a FIFO");
    expect(sentence({ path: "/dev/null" })).toContain("is a character device");
  });

  test("a range outside the image", () => {
    const path = image(64);
    expect(sentence({ path, offset: 64 })).toContain("within the 64 sectors");
    expect(sentence({ path, offset: 60, length: 5 })).toContain("1 to 4 sectors");
    expect(sentence({ path, offset: 63, length: 1 })).toBe("opened");
  });

  test.skipIf(process.getuid?.() === 0)(
    `no permission${process.getuid?.() === 0 ? " (skipped: root may do anything)" : ""}`,
    () => {
      const path = image(8);
      chmodSync(path, 0o444);
      expect(sentence({ path })).toContain("-r serves it read-only");
      chmodSync(path, 0);
      expect(sentence({ path, readOnly: true })).toContain("Can't open the image");
    },
  );

  test("an image that another target writes; readers share one", () => {
    const path = image(8);
    const writer = openFileStore({ path });
    expect(sentence({ path })).toContain("in use by another target");
    expect(sentence({ path, readOnly: true })).toContain("being written by another target");
    writer.close();
    const reader = openFileStore({ path, readOnly: true });
    expect(sentence({ path, readOnly: true })).toBe("opened");
    expect(sentence({ path })).toContain("only readers (-r) can share one");
    reader.close();
  });

  test("nothing stays open after a refusal", () => {
    const path = image(1);
    writeFileSync(path, new Uint8Array(100));
    const lowest = (): number => {
      const fd = openSync(path, "r");
      closeSync(fd);
      return fd;
    };
    const before = lowest();
    for (let again = 0; again < 10; again++) sentence({ path });
    expect(lowest()).toBe(before);
  });
});
