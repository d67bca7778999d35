// One frame that concerns many exports: a wildcard request, or the announcement of all of them. It is
// done in steps, so that ten thousand answers don't drown a receiver's socket (some 270 small frames
// at the default limits) nor hold up everyone else.

import type { FrameView, Memory } from "../../link/link.ts";
import { TO_HOST } from "../../link/link.ts";
import { copyMemory } from "../../link/copy_memory.ts";
import type { Export } from "./export.ts";

/** Exports that one step serves at most, and the ns between two steps. */
export const STEP = 32;
export const INTERVAL = 2e6;

export class Sweep implements FrameView {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address = 0;
  readonly base = 0;
  readonly length: number;
  readonly addressed: number;
  readonly at: number;
  /** The export that comes next. */
  cursor = 0;
  dueAt = 0;

  /** The one export that it is about; null: all. */
  readonly only: Export | null;

  /** A copy of `frame`, or an announcement where there is none. */
  constructor(frame: FrameView | null, now: number, only: Export | null = null) {
    this.only = only;
    this.length = frame?.length ?? 0;
    this.addressed = frame?.addressed ?? TO_HOST;
    this.at = frame?.at ?? now;
    this.dueAt = now;
    this.bytes = new Uint8Array(this.length);
    this.view = new DataView(this.bytes.buffer);
    if (frame !== null) copyMemory(frame as Memory, frame.base, this, 0, frame.length);
  }

  get isAnnouncement(): boolean {
    return this.length === 0;
  }
}
