// What a sector of the simulation says about itself: which write it is from, and where it belongs.
//
//   word    0         1                  …   63       …   127
//         [ write ] [ device<<24 | lba ]   [ ~write ]   [ write ^ KEY ]
//
// A sector of zeros was never written. Four words at its ends and in its middle tell a torn or shifted
// sector; the words between carry whatever stood in the writer's memory and go by too.

import { SECTOR } from "../../wire/ata.ts";

/** 32-bit words in a sector. */
export const WORDS = SECTOR / 4;
const PLACE = 1;
const MIDDLE = WORDS / 2 - 1;
const LAST = WORDS - 1;
const KEY = 0x5bd1_e995;

/** Never written. */
export const BLANK = 0;
/** Not a stamp, or another place's. */
export const FOREIGN = -1;

/** Stamps the sector at word `at`; `write` from 1 up. */
export function stamp(
  words: Uint32Array,
  at: number,
  write: number,
  device: number,
  lba: number,
): void {
  words[at] = write;
  words[at + PLACE] = (device << 24) | lba;
  words[at + MIDDLE] = ~write;
  words[at + LAST] = write ^ KEY;
}

/** The write that the sector at word `at` is from, BLANK, or FOREIGN. */
export function readStamp(words: Uint32Array, at: number, device: number, lba: number): number {
  const write = words[at] as number;
  const last = words[at + LAST] as number;
  if (write === 0) {
    return last === 0 && words[at + PLACE] === 0 && words[at + MIDDLE] === 0 ? BLANK : FOREIGN;
  }
  const whole =
    words[at + PLACE] === ((device << 24) | lba) >>> 0 &&
    words[at + MIDDLE] === ~write >>> 0 &&
    last === (write ^ KEY) >>> 0;
  return whole ? write : FOREIGN;
}

/** Makes of the sector at word `at` what no write has written: a read must fill it. */
export function spoil(words: Uint32Array, at: number): void {
  words[at] = 0xdead_beef;
  words[at + LAST] = 0;
}
