// P28: what an interface has in service and what it has just answered, so that a copy of a request is
// neither run twice nor answered from a second lane.
//
//   buckets ─▶ entry ─▶ entry …        chains by hash of tag, source and address
//   oldest ─▶ … ─▶ newest              answered entries, in the order in which they ended
//
// An entry is one cache line of 64 bytes in one array buffer: no objects, no allocation but growth.
//
//   word  0–1 source MAC (f64)   2–3 ended at, ns, −1 while in service (f64)   4–5 first bad LBA (f64)
//         6 tag   7 bytes 16–19  8–10 bytes 24–35   11 CRC-32 of the rest
//         12 next in chain   13 next in age   14 outcome   15 length
//
// Reads stay only while they are in service (a read is read again). What changes something stays for
// `window` ns after its answer, 65,536 entries at most: then the oldest answered one goes, counted.

import type { Memory } from "../../link/link.ts";
import * as aoe from "../../wire/aoe.ts";
import * as ata from "../../wire/ata.ts";
import type { Mac } from "../../wire/mac.ts";
import type { Outcome } from "../outcome.ts";

/** Longer than the maximum packet life of 1 s. */
export const WINDOW = 2e9;
export const CAPACITY = 65_536;

const NONE = -1;
const WORDS = 16;
const IN_SERVICE = -1;

const MAC = 0;
const ENDED = 1;
const LBA = 2;
const TAG = 6;
const ADDRESS = 7;
const HEADER = 8;
const CRC = 11;
const CHAIN = 12;
const NEWER = 13;
const OUTCOME = 14;
const LENGTH = 15;

export class Duplicates {
  /** Entries in service, in the window, and evicted before their window was over. */
  inService = 0;
  answered = 0;
  evicted = 0;
  private readonly window: number;
  private readonly capacity: number;
  private words = new Int32Array(0);
  private floats = new Float64Array(0);
  private buckets = new Int32Array(0);
  /** Of `buckets`, whose number is a power of two. */
  private mask = 0;
  private used = 0;
  private free = NONE;
  private oldest = NONE;
  private newest = NONE;
  private readonly views = new Views();

  constructor(window: number = WINDOW, capacity: number = CAPACITY) {
    this.window = window;
    this.capacity = capacity;
  }

  /** Entries held now. */
  get size(): number {
    return this.inService + this.answered;
  }

  /** The entry of the same request, or −1. `length` is the request's own, without padding. */
  find(frame: Memory, base: number, length: number, source: Mac, tag: number, now: number): number {
    if (this.used === 0) return NONE;
    const { words, floats } = this;
    const address = word(frame.view, base, aoe.MAJOR, length);
    let entry = this.buckets[this.bucket(source, tag, address)] as number;
    while (entry !== NONE) {
      const at = entry * WORDS;
      if (
        words[at + TAG] === (tag | 0) &&
        floats[(at >> 1) + MAC] === source &&
        words[at + ADDRESS] === address &&
        words[at + LENGTH] === length &&
        words[at + HEADER] === word(frame.view, base, aoe.LENGTH, length) &&
        words[at + HEADER + 1] === word(frame.view, base, aoe.LENGTH + 4, length) &&
        words[at + HEADER + 2] === word(frame.view, base, aoe.LENGTH + 8, length) &&
        words[at + CRC] === this.crc(frame, base, length)
      ) {
        const ended = floats[(at >> 1) + ENDED] as number;
        if (ended === IN_SERVICE || now - ended <= this.window) return entry;
      }
      entry = words[at + CHAIN] as number;
    }
    return NONE;
  }

  isInService(entry: number): boolean {
    return this.floats[((entry * WORDS) >> 1) + ENDED] === IN_SERVICE;
  }
  outcome(entry: number): Outcome {
    return this.words[entry * WORDS + OUTCOME] as number;
  }
  lba(entry: number): number {
    return this.floats[((entry * WORDS) >> 1) + LBA] as number;
  }

  /** Notes a request as in service; −1 where every entry is. */
  insert(
    frame: Memory,
    base: number,
    length: number,
    source: Mac,
    tag: number,
    now: number,
  ): number {
    // Two a time: the table shrinks while it is used, and no request pays for a long clean-up.
    this.expire(now);
    this.expire(now);
    const entry = this.take();
    if (entry === NONE) return NONE;
    const { words, floats } = this;
    const at = entry * WORDS;
    floats[(at >> 1) + MAC] = source;
    floats[(at >> 1) + ENDED] = IN_SERVICE;
    words[at + TAG] = tag | 0;
    const address = word(frame.view, base, aoe.MAJOR, length);
    words[at + ADDRESS] = address;
    words[at + HEADER] = word(frame.view, base, aoe.LENGTH, length);
    words[at + HEADER + 1] = word(frame.view, base, aoe.LENGTH + 4, length);
    words[at + HEADER + 2] = word(frame.view, base, aoe.LENGTH + 8, length);
    words[at + CRC] = this.crc(frame, base, length);
    words[at + LENGTH] = length;
    const bucket = this.bucket(source, tag, address);
    words[at + CHAIN] = this.buckets[bucket] as number;
    this.buckets[bucket] = entry;
    this.inService++;
    return entry;
  }

  /** The request has been answered: its result is kept for the window. */
  complete(entry: number, outcome: Outcome, lba: number, now: number): void {
    const { words, floats } = this;
    const at = entry * WORDS;
    words[at + OUTCOME] = outcome;
    floats[(at >> 1) + LBA] = lba;
    floats[(at >> 1) + ENDED] = now;
    words[at + NEWER] = NONE;
    if (this.newest === NONE) this.oldest = entry;
    else words[this.newest * WORDS + NEWER] = entry;
    this.newest = entry;
    this.inService--;
    this.answered++;
  }

  /** The request in service leaves no trace: a read, or one that was dropped. */
  forget(entry: number): void {
    this.unchain(entry);
    this.words[entry * WORDS + CHAIN] = this.free;
    this.free = entry;
    this.inService--;
  }

  private expire(now: number): void {
    const { oldest } = this;
    if (oldest === NONE) return;
    if (now - (this.floats[((oldest * WORDS) >> 1) + ENDED] as number) > this.window) {
      this.dropOldest();
    }
  }

  private dropOldest(): void {
    const entry = this.oldest;
    const { words } = this;
    this.oldest = words[entry * WORDS + NEWER] as number;
    if (this.oldest === NONE) this.newest = NONE;
    this.unchain(entry);
    words[entry * WORDS + CHAIN] = this.free;
    this.free = entry;
    this.answered--;
  }

  private take(): number {
    if (this.free === NONE && this.used === this.words.length / WORDS) {
      if (this.used < this.capacity) {
        this.grow();
      } else {
        if (this.oldest === NONE) return NONE;
        this.dropOldest();
        this.evicted++;
      }
    }
    if (this.free === NONE) return this.used++;
    const entry = this.free;
    this.free = this.words[entry * WORDS + CHAIN] as number;
    return entry;
  }

  private unchain(entry: number): void {
    const { words, buckets } = this;
    const at = entry * WORDS;
    const bucket = this.bucketOf(entry);
    const next = words[at + CHAIN] as number;
    let link = buckets[bucket] as number;
    if (link === entry) {
      buckets[bucket] = next;
      return;
    }
    while (words[link * WORDS + CHAIN] !== entry) link = words[link * WORDS + CHAIN] as number;
    words[link * WORDS + CHAIN] = next;
  }

  /**
   * An initiator that counts tags up (ours in the lower bits, Linux from bit 16 on, over jiffies) has them in buckets
   * side by side or nearly so: a cache line for many. Each device counts for itself, so its address is in the hash as the source is.
   */
  private bucket(source: Mac, tag: number, address: number): number {
    const start = Math.imul(source | 0, 0x85eb_ca6b) + Math.imul(address, 0x9e37_79b1);
    return ((tag ^ (tag >>> 15)) + start + (start >>> 15)) & this.mask;
  }

  private bucketOf(entry: number): number {
    const { words } = this;
    const at = entry * WORDS;
    const source = this.floats[(at >> 1) + MAC] as number;
    return this.bucket(source, (words[at + TAG] as number) >>> 0, words[at + ADDRESS] as number);
  }

  private grow(): void {
    const capacity = Math.min(this.capacity, Math.max(256, this.used * 2));
    const memory = new ArrayBuffer(capacity * WORDS * 4);
    const words = new Int32Array(memory);
    words.set(this.words);
    this.words = words;
    this.floats = new Float64Array(memory);
    this.buckets = new Int32Array(2 ** (Math.ceil(Math.log2(capacity)) + 1)).fill(NONE);
    this.mask = this.buckets.length - 1;
    // Every entry is in use here, in service or answered: all of them get their new chains.
    for (let entry = 0; entry < this.used; entry++) {
      const bucket = this.bucketOf(entry);
      words[entry * WORDS + CHAIN] = this.buckets[bucket] as number;
      this.buckets[bucket] = entry;
    }
  }

  private crc(frame: Memory, base: number, length: number): number {
    if (length <= ata.LENGTH) return 0;
    return Bun.hash.crc32(this.views.of(frame.bytes, base + ata.LENGTH, length - ata.LENGTH)) | 0;
  }
}

/** Four bytes of the frame from `at` on, as far as the request reaches; zero beyond. */
function word(view: DataView, base: number, at: number, length: number): number {
  if (at + 4 <= length) return view.getInt32(base + at);
  let value = 0;
  for (let byte = at; byte < at + 4; byte++) {
    value = (value << 8) | (byte < length ? view.getUint8(base + byte) : 0);
  }
  return value;
}

/**
 * Payloads as the hash takes them. A view is an object of 140 ns and some garbage; a receive ring has
 * few places where a payload can stand, so the last view of each place is kept.
 */
class Views {
  /** By place: the view, and the memory that it is of; made with the first payload. */
  private views: (Uint8Array | null)[] | null = null;
  private memories: (Uint8Array | null)[] = [];
  /** Slots stand further apart than so many (2^6) bytes: a ring of 4 MiB has a place for each. */
  private static readonly GRAIN = 6;
  private static readonly MASK = 0xffff;

  of(memory: Uint8Array, offset: number, length: number): Uint8Array {
    if (this.views === null) {
      this.views = new Array<Uint8Array | null>(Views.MASK + 1).fill(null);
      this.memories = new Array<Uint8Array | null>(Views.MASK + 1).fill(null);
    }
    const place = (offset >>> Views.GRAIN) & Views.MASK;
    const kept = this.views[place] ?? null;
    const start = memory.byteOffset + offset;
    const fits = kept !== null && kept.byteOffset === start && kept.length === length;
    if (fits && this.memories[place] === memory) return kept;
    const view = new Uint8Array(memory.buffer, start, length);
    this.views[place] = view;
    this.memories[place] = memory;
    return view;
  }
}
