// A link whose pins move by hand, for tests of pools alone: transmit pins, `release` unpins, `reclaim`
// reports. Frames go nowhere.

import type { Arena, ArenaBuffer } from "./arena.ts";
import { type FrameView, type Link, type LinkCounters, noFrames, type TxBuffer } from "./link.ts";

export class HandBuffer implements TxBuffer {
  pins = 0;
  readonly address = 0;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(index: number, size: number) {
    this.index = index;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }
}

export class HandLink implements Link {
  readonly mac = 0x0200_0000_0001;
  readonly mtu = 1500;
  onChange: (() => void) | null = null;
  readonly fds: readonly number[] = [];
  readonly counters: LinkCounters = noFrames();
  /** Buffers that exist. */
  allocated = 0;
  /** Most of them. */
  budget: number;
  /** Whether a transmit pins; a link that copies does not. */
  pins = true;
  readonly buffers: (HandBuffer | ArenaBuffer | null)[] = [];
  private readonly vacant: number[] = [];
  private readonly arena: Arena | null;
  private idle = 0;

  /** `arena`: where buffers come from as a raw link's do; without one each is fresh. */
  constructor(budget = Infinity, arena: Arena | null = null) {
    this.budget = budget;
    this.arena = arena;
  }

  allocate(size: number): TxBuffer | null {
    if (this.allocated >= this.budget) return null;
    const buffer =
      this.arena === null
        ? new HandBuffer(this.vacant.pop() ?? this.buffers.length, size)
        : this.arena.allocate(size);
    if (buffer === null) return null;
    this.allocated++;
    this.buffers[buffer.index] = buffer;
    return buffer;
  }

  free(buffer: TxBuffer): void {
    if (this.buffers[buffer.index] !== buffer || buffer.pins > 0) {
      throw new Error(`invariant: buffer ${buffer.index} exists and is idle when it is freed`);
    }
    this.buffers[buffer.index] = null;
    if (this.arena === null) this.vacant.push(buffer.index);
    else this.arena.free(buffer);
    this.allocated--;
  }

  transmit(buffer: TxBuffer, _length: number): boolean {
    const mine = this.buffers[buffer.index];
    if (mine !== buffer || mine == null) throw new Error("invariant: transmit of what was freed");
    this.counters.transmitted++;
    if (this.pins) mine.pins++;
    return true;
  }

  /** Takes one pin away. */
  release(index: number): void {
    const buffer = this.buffers[index];
    if (buffer == null || buffer.pins === 0) throw new Error(`buffer ${index} is not pinned`);
    if (--buffer.pins === 0) this.idle++;
  }

  releaseAll(): void {
    for (const buffer of this.buffers)
      while (buffer != null && buffer.pins > 0) this.release(buffer.index);
  }

  reclaim(): number {
    const { idle } = this;
    this.idle = 0;
    return idle;
  }

  receive(_visit: (frame: FrameView) => void, _limit: number): number {
    return 0;
  }
  flush(): void {}
  nextDeadline(): number {
    return Infinity;
  }
  close(): void {}
}
