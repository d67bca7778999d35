// An image or a disk whose bytes go to a device or are compared with one.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import { SECTOR } from "../../wire/ata.ts";
import { environment, failed, usage } from "../../words/failure.ts";
import { cantRead } from "../../words/file_error.ts";

export interface Input {
  readonly bytes: number;
  /** Fills all of `into` from byte `at` on. Throws a Failure where the file ends before. */
  read(into: Uint8Array, at: number): void;
  close(): void;
}

/** Throws a Failure: it can't be read, or it is empty, no multiple of 512 bytes or shorter than the --size `wanted`. */
export function openInput(name: string, wanted: number | null = null): Input {
  let fd = -1;
  try {
    // A FIFO that nobody writes would be waited for, where no signal is heard.
    fd = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw cantRead(name, error);
  }
  const bytes = lengthOf(fd, name);
  if (bytes === 0 || bytes % SECTOR !== 0) {
    closeSync(fd);
    throw usage(
      `Expected ${name} to hold a multiple of ${SECTOR} bytes and not to be empty, got ${bytes} bytes`,
    );
  }
  if (wanted !== null && wanted > bytes) {
    closeSync(fd);
    throw usage(
      `Expected \`--size\` to be at most the ${bytes} bytes of ${name}, got \`${wanted}\``,
    );
  }
  return {
    bytes,
    read(into, at) {
      let done = 0;
      while (done < into.length) {
        const got = readSync(fd, into, done, into.length - done, at + done);
        if (got === 0)
          throw failed(`${name} ends at byte ${at + done}: it was cut while it was read`);
        done += got;
      }
    },
    close: () => closeSync(fd),
  };
}

/** A disk's length is where its last byte is. */
function lengthOf(fd: number, name: string): number {
  const stats = fstatSync(fd);
  if (stats.isFile()) return stats.size;
  if (!stats.isBlockDevice()) {
    closeSync(fd);
    throw environment(`Can't read ${name}: it is neither a file nor a disk`);
  }
  const probe = new Uint8Array(1);
  let low = 0;
  let high = 2 ** 50;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (readSync(fd, probe, 0, 1, middle) === 1) low = middle + 1;
    else high = middle;
  }
  return low;
}
