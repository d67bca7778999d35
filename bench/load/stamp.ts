// What `--verify crc32c` writes into every sector, and what it can tell when the sector comes back.
//
//   0       4       8               16      20                          508     512
//   +-------+-------+---------------+-------+------------- … -----------+-------+
//   | magic | seed  | lba           | gener.| filling                   | crc32c|
//   +-------+-------+---------------+-------+------------- … -----------+-------+
//   big-endian; the checksum covers the 508 bytes before it
//
// A sector that is not what was last written there is damaged (crc), misplaced (lba), stale or from
// the future (generation), or another run's (seed). The generation is the block's count of writes in
// this run. The filling differs with lba and generation, so that a torn sector shows in the checksum.

import { SECTOR } from "../../wire/ata.ts";
import { crc32c } from "./crc32c.ts";

const MAGIC = 0x416f4553; // "AoES"
const SEED = 4;
const LBA = 8;
const GENERATION = 16;
const FILLING = 20;
const CHECKSUM = 508;

/** How a sector reads. */
export const GOOD = 0;
/** No stamp: nobody's of this program. */
export const UNSTAMPED = 1;
export const DAMAGED = 2;
export const MISPLACED = 3;
export const STALE = 4;
export const FUTURE = 5;
export const OTHER_RUN = 6;
/** A block never written in this run no longer reads as it did. */
export const CHANGED = 7;

export const VERDICTS = [
  "good",
  "without a stamp",
  "damaged (checksum)",
  "misplaced (another sector's data)",
  "stale (an older write)",
  "ahead (a write not yet made)",
  "another run's (seed)",
  "changed though never written",
] as const;

/** Stamps `sectors` sectors from `offset` on as sectors `lba`, … of generation `generation`. */
export function stamp(
  view: DataView,
  offset: number,
  lba: number,
  sectors: number,
  generation: number,
  seed: number,
): void {
  for (let sector = 0; sector < sectors; sector++) {
    const base = offset + sector * SECTOR;
    const place = lba + sector;
    view.setUint32(base, MAGIC);
    view.setUint32(base + SEED, seed);
    view.setUint32(base + LBA, Math.floor(place / 4_294_967_296));
    view.setUint32(base + LBA + 4, place >>> 0);
    view.setUint32(base + GENERATION, generation);
    let filling = (Math.imul(place, 0x9e3779b1) ^ Math.imul(generation, 0x85ebca77) ^ seed) | 0;
    for (let word = FILLING; word < CHECKSUM; word += 4) {
      filling = (Math.imul(filling, 1_664_525) + 1_013_904_223) | 0;
      view.setInt32(base + word, filling);
    }
    view.setUint32(base + CHECKSUM, crc32c(view, base, CHECKSUM));
  }
}

export function lbaOf(view: DataView, base: number): number {
  return view.getUint32(base + LBA) * 4_294_967_296 + view.getUint32(base + LBA + 4);
}
export function generationOf(view: DataView, base: number): number {
  return view.getUint32(base + GENERATION);
}

/**
 * How one sector at `base` reads where `lba` was asked for, and any generation from `least` to `generation` is right.
 * `least` 0: what stood there before this run is right too, so that any run will do, and so will no stamp at all
 * (UNSTAMPED says so).
 */
export function judge(
  view: DataView,
  base: number,
  lba: number,
  generation: number,
  seed: number,
  least: number = generation,
): number {
  if (view.getUint32(base) !== MAGIC) return UNSTAMPED;
  if (view.getUint32(base + CHECKSUM) !== crc32c(view, base, CHECKSUM)) return DAMAGED;
  if (lbaOf(view, base) !== lba) return MISPLACED;
  if (generation === 0) return GOOD;
  if (view.getUint32(base + SEED) !== seed >>> 0) return least === 0 ? GOOD : OTHER_RUN;
  const found = generationOf(view, base);
  return found < least ? STALE : found > generation ? FUTURE : GOOD;
}
