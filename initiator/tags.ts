// Tags: what an answer is known by (P19).
//
//   31      30     29 … 0
//   1       write  counter, from a random start
//
// Bit 31 is always set: Linux drops answers with it, so both initiators can share a host. Bit 30
// tells a kernel filter that the answer is a write's. The counter comes round after 2^30 commands:
// at a million a second that is 18 minutes, far beyond twice any packet life in use.
//
// A tag is looked up by the low bits of its counter in a table with room to spare. A counter whose
// place is still taken by an old command is passed over. A given-back tag stays in its place, so that
// a second answer to it is told from one that was never ours.

import type { Random } from "../words/random.ts";

/** `find`: nobody has asked for this. */
export const UNKNOWN = -1;
/** `find`: it was asked for, and has been answered or given up. */
export const STALE = -2;

const ALWAYS = 0x8000_0000;
const WRITE = 0x4000_0000;
const COUNTER = 0x3fff_ffff;

export class Tags {
  /** Tags that are out now. */
  size = 0;
  private counter: number;
  private mask: number;
  private tags: Uint32Array;
  /** By place: the slot; STALE or UNKNOWN where none is out. */
  private slots: Int32Array;

  constructor(random: Random, capacity = 1024) {
    if ((capacity & (capacity - 1)) !== 0) throw new Error(`invariant: capacity ${capacity}`);
    this.counter = random.next() & COUNTER;
    this.mask = capacity - 1;
    this.tags = new Uint32Array(capacity);
    this.slots = new Int32Array(capacity).fill(UNKNOWN);
  }

  /** A fresh tag that stands for `slot` (>= 0) until `give`. */
  take(slot: number, write: boolean): number {
    if (2 * this.size > this.mask) this.grow();
    let place: number;
    do {
      this.counter = (this.counter + 1) & COUNTER;
      place = this.counter & this.mask;
    } while ((this.slots[place] as number) >= 0);
    const tag = (ALWAYS | (write ? WRITE : 0) | this.counter) >>> 0;
    this.tags[place] = tag;
    this.slots[place] = slot;
    this.size++;
    return tag;
  }

  /** A tag that nobody looks for: for questions whose answers speak for themselves. */
  anonymous(): number {
    this.counter = (this.counter + 1) & COUNTER;
    return (ALWAYS | this.counter) >>> 0;
  }

  /** The slot of `tag`, or UNKNOWN, or STALE. */
  find(tag: number): number {
    const place = tag & this.mask;
    return this.tags[place] === tag ? (this.slots[place] as number) : UNKNOWN;
  }

  /** Nobody waits for an answer to `tag` any more. */
  give(tag: number): void {
    const place = tag & this.mask;
    if (this.tags[place] !== tag || (this.slots[place] as number) < 0) {
      throw new Error(`invariant: tag ${tag} is out`);
    }
    this.slots[place] = STALE;
    this.size--;
  }

  /** Counters that differ in fewer low bits differ in more, so every tag finds a place of its own. */
  private grow(): void {
    const { tags, slots } = this;
    const capacity = 2 * tags.length;
    this.mask = capacity - 1;
    this.tags = new Uint32Array(capacity);
    this.slots = new Int32Array(capacity).fill(UNKNOWN);
    for (let place = 0; place < tags.length; place++) {
      if (slots[place] === UNKNOWN) continue;
      const tag = tags[place] as number;
      this.tags[tag & this.mask] = tag;
      this.slots[tag & this.mask] = slots[place] as number;
    }
  }
}
