// The bytes of a capture file, piece by piece: from a file, from standard input, out of gzip.

import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";

/** `-`: standard input. What can't be opened or read throws what the system says. */
export function piecesOf(file: string): AsyncIterable<Uint8Array> {
  return file === "-" ? Bun.stdin.stream() : createReadStream(file, { highWaterMark: 1 << 18 });
}

/** How a packed file begins, and what packed it. */
const PACKED: readonly (readonly [string, readonly number[]])[] = [
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58]],
  ["lz4", [0x04, 0x22, 0x4d, 0x18]],
  ["bzip2", [0x42, 0x5a, 0x68]],
];
const GZIP = [0x1f, 0x8b];

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

/** What packed the file that begins with `bytes`, if it is none that is unpacked here. */
export function packerOf(bytes: Uint8Array): string | null {
  return PACKED.find(([, magic]) => begins(bytes, magic))?.[0] ?? null;
}

/** `pieces` unpacked, where they are gzip; a file that is cut or broken throws an error whose code begins with Z_. */
export async function* unpacked(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const source = pieces[Symbol.asyncIterator]();
  // A pipe may give a byte at a time.
  let head: Uint8Array = new Uint8Array(0);
  while (head.length < GZIP.length) {
    const { done, value } = await source.next();
    if (done === true) break;
    head = Buffer.concat([head, value]);
  }
  const all = (async function* () {
    yield head;
    for (;;) {
      const { done, value } = await source.next();
      if (done === true) return;
      yield value;
    }
  })();
  if (!begins(head, GZIP)) {
    yield* all;
    return;
  }
  const gunzip = createGunzip();
  Readable.from(all, { objectMode: false })
    .on("error", (error) => gunzip.destroy(error))
    .pipe(gunzip);
  for await (const piece of gunzip) yield piece as Buffer;
}
