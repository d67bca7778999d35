// Pages of files that were in memory a moment ago, so that they are again without a look: what a mapped file
// (sys/mapped_file.ts) needs to know, since touching a page that is not in memory would block the loop.
//
//   place = page, hashed   [ file and page | second of its last use ]     two numbers side by side: one cache line
//
// One table for all files of a process. A place holds one page, the last that came; what was pushed out, or
// not used for LIFE seconds, is simply not known. The kernel takes back pages that nobody used for longest, so
// being wrong takes an almost full memory, and costs a wait for the disk, no wrong answer.

import { coarseSeconds } from "../../sys/clock.ts";

/** 256 MiB of pages of 4 KiB. */
const PLACES = 65_536;
const LIFE = 4;
/** Pages of one file: 16 TiB; files beyond it share no key with another. */
const FILE = 2 ** 32;

export const PAGE = 4096;

export class RecentPages {
  private places: Float64Array | null = null;
  private readonly second: () => number;
  /** What `tell` said last; -1: nobody tells. */
  private told = -1;

  constructor(second: () => number = coarseSeconds) {
    this.second = second;
  }

  /** It is `now` (ns): who says so at each iteration of its loop spares a look at the clock for each request. */
  tell(now: number): void {
    this.told = Math.floor(now / 1e9);
  }

  private present(): number {
    return this.told >= 0 ? this.told : this.second();
  }

  /** Whether every page of the bytes was noted lately; those that were are used now. */
  has(file: number, position: number, length: number): boolean {
    const { places } = this;
    if (places === null) return false;
    const second = this.present();
    const last = Math.floor((position + length - 1) / PAGE);
    for (let page = Math.floor(position / PAGE); page <= last; page++) {
      const place = placeOf(file, page);
      const seen = places[place + 1] as number;
      if (places[place] !== file * FILE + page || second - seen > LIFE) return false;
      // A line that was only read need not be written back.
      if (seen !== second) places[place + 1] = second;
    }
    return true;
  }

  /** The bytes are in memory now. */
  note(file: number, position: number, length: number): void {
    this.places ??= new Float64Array(2 * PLACES).fill(-1);
    const { places } = this;
    const second = this.present();
    const last = Math.floor((position + length - 1) / PAGE);
    if (last >= FILE) return;
    for (let page = Math.floor(position / PAGE); page <= last; page++) {
      const place = placeOf(file, page);
      places[place] = file * FILE + page;
      places[place + 1] = second;
    }
  }
}

/** Where its two numbers stand. Neighbours of one file stand beside each other, files apart. */
function placeOf(file: number, page: number): number {
  return 2 * ((page + Math.imul(file, 0x9e37_79b1)) & (PLACES - 1));
}
