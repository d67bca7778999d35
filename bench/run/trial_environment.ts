// Where the trials of a run happen: a folder of its own, images made from the seed, CPUs for both ends.

import { tmpdir } from "node:os";
import { join } from "node:path";
import { allowedCpus } from "../../sys/affinity.ts";
import { overSockets, type RunResult } from "../result/result.ts";
import { writeImage } from "../machine/image_file.ts";
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
