// Where the trials of a run happen: a folder of its own, images made from the seed, CPUs for both ends.

import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allowedCpus } from "../../sys/affinity.ts";
import { createRandom } from "../../words/random.ts";
import { overSockets, type RunResult } from "../result/result.ts";
import { makeScratch } from "../machine/scratch.ts";
import type { TrialEnvironment } from "./trial.ts";

export type OwnedEnvironment = Omit<TrialEnvironment, "program"> & { remove(): void };

export function makeTrialEnvironment(
  link: RunResult["link"],
  seed: number,
  within = tmpdir(),
): OwnedEnvironment {
  const { folder, remove } = makeScratch("bench", within);
  const allowed = allowedCpus();
  const [first = 0] = allowed;
  const last = allowed.at(-1) ?? first;
  const apart = overSockets(link) && first !== last;
  const images = new Map<number, string>();
  return {
    folder,
    link,
    pinning: { target: apart ? first : null, load: apart ? last : null },
    cpus: apart ? [first, last] : allowed,
    image(size) {
      let path = images.get(size);
      if (path === undefined) {
        path = join(folder, `${images.size}.img`);
        writeImage(path, size, seed);
        images.set(size, path);
      }
      return path;
    },
    remove,
  };
}

/** Up to this much of an image is filled, so that no run fills the disk; the rest is a hole. */
const FILLED = 64 << 20;
const PIECE = 1 << 20;

function writeImage(path: string, bytes: number, seed: number): void {
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
