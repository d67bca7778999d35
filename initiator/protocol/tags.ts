// Tags: what an answer is known by (P19).
//
//   31      30     29 … 0
//   1       write  counter, from a random start, through a keyed permutation
//
// Bit 31 is always set: Linux drops answers with it, so both initiators can share a host. Bit 30
// tells a kernel filter that the answer is a write's. The counter comes round after 2^30 commands:
// at a million a second that is 18 minutes, far beyond twice any packet life in use.
//
// The permutation keeps who does not see our frames from answering them: a tag does not follow from another one.
// Questions that everybody hears, by broadcast, have tags of a key of their own, which tell nothing of the rest.
//
// A tag is looked up by its low bits in a table with room to spare. A counter whose tag's place is still
// taken by an old command is passed over. A given-back tag stays in its place until another one takes
// it, so that a second answer to it is told from one that was never ours.

import type { Random } from "../../words/random.ts";

/** `find`: nobody has asked for this. */
export const UNKNOWN = -1;
/** `find`: it was asked for, and has been answered or given up. */
export const STALE = -2;

const ALWAYS = 0x8000_0000;
const WRITE = 0x4000_0000;
const COUNTER = 0x3fff_ffff;
const LOWER = 0x1fff;

/**
 * The numbers of 30 bits in an order that follows from keys: a multiple of a counter, whose lower 13 bits choose, by
 * a keyed product, what the upper 17 are mixed with. The lower ones go round all values, so that a table which is
 * looked up by them fills evenly.
 */
class Sequence {
  private counter: number;
  private readonly factor: number;
  private readonly start: number;
  private readonly key: number;
  private readonly mixer: number;

  constructor(random: Random) {
    this.counter = random.next() | 0;
    this.factor = random.next() | 1;
    this.start = random.next() | 0;
    this.key = random.next() | 0;
    this.mixer = random.next() | 1;
  }

  next(): number {
    this.counter = (this.counter + 1) | 0;
    const number = (Math.imul(this.counter, this.factor) + this.start) | 0;
    const mixed = Math.imul((number & LOWER) ^ this.key, this.mixer) >>> 15;
    return (number ^ (mixed << 13)) & COUNTER;
  }
}

export class Tags {
  /** Tags that are out now. */
  size = 0;
  private readonly secret: Sequence;
  /** Of the tags that everybody hears. */
  private readonly open: Sequence;
  private next: number;
  private mask: number;
  private tags: Uint32Array;
  /** By place: the slot; STALE or UNKNOWN where none is out. */
  private slots: Int32Array;

  constructor(random: Random, capacity = 1024) {
    if ((capacity & (capacity - 1)) !== 0) throw new Error(`invariant: capacity ${capacity}`);
    this.secret = new Sequence(random);
    this.open = new Sequence(random);
    this.next = this.secret.next();
    this.mask = capacity - 1;
    this.tags = new Uint32Array(capacity);
    this.slots = new Int32Array(capacity).fill(UNKNOWN);
  }

  /** A fresh tag that stands for `slot` (>= 0) until `give`. */
  take(slot: number, write: boolean): number {
    if (2 * this.size > this.mask) this.grow();
    let number = this.next;
    while ((this.slots[number & this.mask] as number) >= 0) number = this.secret.next();
    const place = number & this.mask;
    const tag = (ALWAYS | (write ? WRITE : 0) | number) >>> 0;
    this.tags[place] = tag;
    this.slots[place] = slot;
    this.size++;
    // Ahead of its use, so that nobody waits for it.
    this.next = this.secret.next();
    return tag;
  }

  /** A tag that nobody looks for: for questions whose answers speak for themselves. */
  anonymous(): number {
    let tag: number;
    do {
      tag = (ALWAYS | this.open.next()) >>> 0;
    } while (this.find(tag) !== UNKNOWN);
    return tag;
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

  /** Tags that differ in fewer low bits differ in more, so every tag finds a place of its own. */
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
