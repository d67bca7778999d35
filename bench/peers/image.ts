// Where the image lies that is served, so that no arm waits for a disk.

import {
  accessSync,
  closeSync,
  constants,
  openSync,
  readSync,
  statfsSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { isInMemory } from "../../sys/file.ts";

/**
 * A file system in memory with room for the image: no write waits for a disk there, and none is paid for by a process that
 * comes first after the pages have been written back. Without one, the folder for temporary files.
 */
export function inMemory(bytes: number): string {
  const folder = "/dev/shm";
  try {
    accessSync(folder, constants.W_OK);
    const { bavail, bsize } = statfsSync(folder);
    return isInMemory(folder) && bavail * bsize > 2 * bytes ? folder : tmpdir();
  } catch {
    return tmpdir();
  }
}

/**
 * Writes every page of the image as it is. The first write to a page that has been written back costs a file system
 * some ten times the next one, and the first arm of a round would pay for all.
 */
export function dirty(image: string): void {
  const file = openSync(image, "r+");
  try {
    const piece = Buffer.allocUnsafe(PIECE);
    for (let at = 0; ; at += PIECE) {
      const length = readSync(file, piece, 0, PIECE, at);
      if (length === 0) return;
      writeSync(file, piece, 0, length, at);
    }
  } finally {
    closeSync(file);
  }
}
const PIECE = 1 << 20;
