// The image that a target of a trial serves: made from a seed, filled at its beginning.

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { createRandom } from "../../words/random.ts";

/** Up to this much of an image is filled, so that no run fills the disk; the rest is a hole. */
const FILLED = 64 << 20;
const PIECE = 1 << 20;

/** An image of so many bytes, the same from the same seed. */
export function writeImage(path: string, bytes: number, seed: number): void {
  const file = openSync(path, "w");
  try {
    ftruncateSync(file, bytes);
    const random = createRandom(seed).fork("image");
    const piece = new Uint32Array(PIECE / 4);
    for (let word = 0; word < piece.length; word++) piece[word] = random.next();
    for (let at = 0; at < Math.min(bytes, FILLED); at += PIECE) {
      piece[0] = at;
      writeSync(file, piece, 0, Math.min(PIECE, bytes - at), at);
    }
  } finally {
    closeSync(file);
  }
}
