// A store in memory that looks at every sector that is written to it: whether its stamp is whole, whether it is
// where it belongs, and whether a newer one was acknowledged there before (a stale write).
//
// Frames are damaged on their way to the target, and nothing in AoE protects them: a flipped bit of the LBA
// writes good data to the wrong place, and a flipped bit of the payload bad data to the right one. Such a sector
// is marked, so that a run can tell what a stamp caught from what nobody can explain.

import { createMemoryStore } from "../../target/stores/memory.ts";
import type { Store } from "../../target/stores/store.ts";
import { GOOD, generationOf, judge, stamp } from "../../bench/load/stamp.ts";
import { SECTOR } from "../../wire/ata.ts";

export interface WatchedStore extends Store {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** By sector: a damaged or misplaced one was written here, and nothing good since. */
  readonly smashed: Uint8Array;
  /** By sector: the generation of the last write whose answer the writer has. He keeps it. */
  readonly acknowledged: Uint32Array;
  readonly counts: { smashed: number; stale: number };
}

/** Every sector is stamped with generation 1. */
export function createWatchedStore(sectors: number, seed: number): WatchedStore {
  const inner = createMemoryStore(sectors);
  const view = new DataView(inner.bytes.buffer);
  for (let lba = 0; lba < sectors; lba++) stamp(view, lba * SECTOR, lba, 1, 1, seed);
  const smashed = new Uint8Array(sectors);
  const acknowledged = new Uint32Array(sectors).fill(1);
  const counts = { smashed: 0, stale: 0 };
  return {
    ...inner,
    view,
    smashed,
    acknowledged,
    counts,
    write(lba, count, from, offset, token) {
      for (let sector = 0; sector < count; sector++) {
        const base = offset + sector * SECTOR;
        const place = lba + sector;
        if (judge(from.view, base, place, 0, seed) !== GOOD) {
          counts.smashed++;
          smashed[place] = 1;
          continue;
        }
        smashed[place] = 0;
        if (generationOf(from.view, base) < (acknowledged[place] ?? 0)) counts.stale++;
      }
      return inner.write(lba, count, from, offset, token);
    },
  };
}
