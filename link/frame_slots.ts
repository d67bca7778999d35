// Frames kept for later: a fixed number of slots that hold copies of received frames, each with its
// deadline. One FrameView is pointed at a slot when its frame is handed on.
//
//   slot   [ 0–3 bytes | frame … ]   the frame starts at the source's offset modulo 4, so that
//                                    it can be copied by words from wherever it stood

import { copyWords } from "./copy.ts";
import { createDeadlines, type Deadlines } from "./deadlines.ts";
import type { FrameView } from "./link.ts";

/** What most links never keep at once. */
const FIRST_SLOTS = 8;

/** Points at a slot's frame; the one object is used for all. */
class SlotFrame implements FrameView {
  readonly address = 0;
  bytes: Uint8Array;
  view: DataView;
  base = 0;
  length = 0;
  addressed = 0;
  at = 0;
  plain: Uint32Array;

  constructor(bytes: Uint8Array, view: DataView, words: Uint32Array) {
    this.bytes = bytes;
    this.view = view;
    this.plain = words;
  }
}

export class FrameSlots {
  readonly due: Deadlines;
  readonly frame: SlotFrame;
  private slotBytes: number;
  /** Slots that have memory by now: those that were never needed have none. */
  private room: number;
  private words: Uint32Array;
  private readonly bases: Int32Array;
  private readonly lengths: Int32Array;
  private readonly kinds: Uint8Array;
  private readonly vacant: Int32Array;
  private vacancies: number;
  /** The source's memory as words, made again when it changes: a link has one or a few of them. */
  private source: Uint8Array = new Uint8Array(0);
  private sourceWords: Uint32Array = new Uint32Array(0);

  constructor(slots: number, frameBytes: number) {
    this.slotBytes = (frameBytes + 4 + 63) & ~63;
    this.room = Math.min(FIRST_SLOTS, slots);
    const memory = new ArrayBuffer(this.slotBytes * this.room);
    this.words = new Uint32Array(memory);
    this.frame = new SlotFrame(new Uint8Array(memory), new DataView(memory), this.words);
    this.due = createDeadlines(slots);
    this.bases = new Int32Array(slots);
    this.lengths = new Int32Array(slots);
    this.kinds = new Uint8Array(slots);
    this.vacant = Int32Array.from({ length: slots }, (_, i) => slots - 1 - i);
    this.vacancies = slots;
  }

  /** Keeps a copy of `frame` until `at` (ns); false: no slot is vacant. */
  keep(frame: FrameView, at: number): boolean {
    if (this.vacancies === 0) return false;
    const shift = frame.base & 3;
    if (shift + frame.length > this.slotBytes) this.makeRoom(this.room, shift + frame.length);
    const slot = this.vacant[--this.vacancies] as number;
    if (slot >= this.room) {
      this.makeRoom(Math.min(2 * this.room, this.lengths.length), this.slotBytes);
    }
    const start = slot * this.slotBytes;
    this.copy(frame, start, shift);
    this.bases[slot] = start + shift;
    this.lengths[slot] = frame.length;
    this.kinds[slot] = frame.addressed;
    this.due.set(slot, at);
    return true;
  }

  /** Points `frame` at the first that is due at `now`, and returns its slot; -1: none is. */
  pop(now: number): number {
    const at = this.due.next();
    const slot = this.due.pop(now);
    if (slot < 0) return slot;
    this.frame.base = this.bases[slot] as number;
    this.frame.length = this.lengths[slot] as number;
    this.frame.addressed = this.kinds[slot] as number;
    this.frame.at = at;
    return slot;
  }

  /** The slot's frame has been handed on. */
  release(slot: number): void {
    this.vacant[this.vacancies++] = slot;
  }

  private copy(frame: FrameView, start: number, shift: number): void {
    const { bytes } = frame;
    if (bytes !== this.source) {
      this.source = bytes;
      // Without word alignment, which no link of ours lacks, only bytes are left.
      this.sourceWords =
        (bytes.byteOffset & 3) === 0
          ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2)
          : new Uint32Array(0);
    }
    const first = frame.base - shift;
    const count = (shift + frame.length + 3) >>> 2;
    if ((first >>> 2) + count <= this.sourceWords.length) {
      copyWords(this.words, start >>> 2, this.sourceWords, first >>> 2, count);
    } else {
      const to = this.frame.bytes;
      for (let i = 0; i < frame.length; i++) {
        to[start + shift + i] = bytes[frame.base + i] as number;
      }
    }
  }

  /** Memory for `room` slots of `bytes`: more of them are needed, or the MTU has grown. */
  private makeRoom(room: number, bytes: number): void {
    const old = this.slotBytes;
    this.slotBytes = (bytes + 63) & ~63;
    const memory = new ArrayBuffer(this.slotBytes * room);
    const words = new Uint32Array(memory);
    for (let slot = 0; slot < this.room; slot++) {
      const start = slot * this.slotBytes;
      copyWords(words, start >>> 2, this.words, (slot * old) >>> 2, old >>> 2);
      this.bases[slot] = start + ((this.bases[slot] as number) & 3);
    }
    this.room = room;
    this.words = words;
    this.frame.bytes = new Uint8Array(memory);
    this.frame.view = new DataView(memory);
    this.frame.plain = words;
  }
}
