// A link that releases late: frames pass on at once, their buffers stay pinned as long as a reclaim
// model says (link/reclaim_model.ts). A buffer's pins are those of the link below plus its own holds.
//
//   holds   [ ended … | held … ]     a ring of (buffer, time of transmit), oldest first
//
// What ends by time or by a count is released by the `reclaim` that follows. What a driver cleans on
// its way through a transmit or a receive is idle there and then, as it is for the caller's very
// next send in the kernel; the next `reclaim` counts it. So the sum of what `reclaim` returns is
// always the number of times that a buffer became idle.

import type { FrameView, Link, LinkCounters, TxBuffer } from "./link.ts";
import { WrappedLink } from "./wrap.ts";
import type { Held, ReclaimModel } from "./reclaim_model.ts";
import type { Waiter } from "./waiter.ts";

/** `inner` with `model`'s late release; `inner` itself where the model holds nothing. */
export function createReclaim(inner: Link, model: ReclaimModel, clock: Pick<Waiter, "now">): Link {
  return model.holds ? new LateLink(inner, model.fresh?.() ?? model, clock) : inner;
}

class HeldBuffer implements TxBuffer {
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly address: number;
  readonly plain?: Uint32Array;
  readonly inner: TxBuffer;
  holds = 0;
  /** Out with the core: set by `allocate`, cleared by `free`. */
  live = true;
  /** Among those whose holds have ended and which the link below still pins. */
  lingers = false;

  constructor(inner: TxBuffer) {
    this.inner = inner;
    this.index = inner.index;
    this.bytes = inner.bytes;
    this.view = inner.view;
    this.address = inner.address;
    if (inner.plain !== undefined) this.plain = inner.plain;
  }

  get pins(): number {
    return this.inner.pins + this.holds;
  }
}

/** The ring of holds; grows by doubling. */
class Holds implements Held {
  count = 0;
  private head = 0;
  private buffers = new Int32Array(64);
  private times = new Float64Array(64);

  at(index: number): number {
    return this.times[(this.head + index) & (this.times.length - 1)] as number;
  }

  push(buffer: number, now: number): void {
    if (this.count === this.times.length) this.grow();
    const tail = (this.head + this.count++) & (this.times.length - 1);
    this.buffers[tail] = buffer;
    this.times[tail] = now;
  }

  /** The oldest one's buffer, which leaves. */
  shift(): number {
    const buffer = this.buffers[this.head] as number;
    this.head = (this.head + 1) & (this.times.length - 1);
    this.count--;
    return buffer;
  }

  private grow(): void {
    const size = this.times.length;
    const buffers = new Int32Array(2 * size);
    const times = new Float64Array(2 * size);
    for (let i = 0; i < size; i++) {
      buffers[i] = this.buffers[(this.head + i) & (size - 1)] as number;
      times[i] = this.times[(this.head + i) & (size - 1)] as number;
    }
    this.buffers = buffers;
    this.times = times;
    this.head = 0;
  }
}

class LateLink extends WrappedLink {
  /** The link's own live object: asking for it may cost a system call. */
  private readonly below: Readonly<LinkCounters>;
  private readonly model: ReclaimModel;
  private readonly clock: Pick<Waiter, "now">;
  private readonly buffers: HeldBuffer[] = [];
  private readonly held = new Holds();
  /** Ended by the transmit that reached the count: the interrupt that the next reclaim serves. */
  private ended = 0;
  /** Buffers that became idle and were not yet reported. */
  private idle = 0;
  private lingering: number[] = [];

  private visit: ((frame: FrameView) => void) | null = null;
  private first = false;
  private readonly meet = (frame: FrameView): void => {
    if (this.first) {
      this.first = false;
      this.release(this.model.onReceive(this.held, this.clock.now()));
    }
    (this.visit as (frame: FrameView) => void)(frame);
  };

  constructor(inner: Link, model: ReclaimModel, clock: Pick<Waiter, "now">) {
    super(inner);
    this.below = inner.counters;
    this.model = model;
    this.clock = clock;
  }

  override allocate(size: number): TxBuffer | null {
    const inner = this.inner.allocate(size);
    if (inner === null) return null;
    // A link that gives the same buffer again gets the same wrapper: allocating per send stays cheap.
    const last = this.buffers[inner.index];
    if (last?.inner === inner) {
      last.live = true;
      return last;
    }
    const buffer = new HeldBuffer(inner);
    this.buffers[inner.index] = buffer;
    return buffer;
  }

  override free(buffer: TxBuffer): void {
    const mine = this.own(buffer);
    if (mine.pins !== 0) {
      throw new Error(
        `invariant: buffer ${mine.index} is idle when freed, not pinned ${mine.pins}`,
      );
    }
    if (mine.lingers) this.lingersNoMore(mine);
    mine.live = false;
    this.inner.free(mine.inner);
  }

  private own(buffer: TxBuffer): HeldBuffer {
    const mine = this.buffers[buffer.index];
    if (mine === undefined || mine !== buffer || !mine.live) {
      throw new Error(`invariant: buffer ${buffer.index} is one of this link's, and not freed`);
    }
    return mine;
  }

  override receive(visit: (frame: FrameView) => void, limit: number): number {
    this.visit = visit;
    this.first = true;
    return this.inner.receive(this.meet, limit);
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    const mine = this.own(buffer);
    // The link below released it in a transmit, and the core takes it before a reclaim could say so.
    if (mine.lingers && mine.inner.pins === 0) this.lingersNoMore(mine);
    const now = this.clock.now();
    // An interrupt that is due came before this transmit: it must not take the new one along.
    if (this.ended > 0) this.release(0);
    this.release(this.model.beforeTransmit(this.held, now));
    const errors = this.below.transmitErrors;
    if (!this.inner.transmit(mine.inner, length)) return false;
    // A frame that the kernel refused is nowhere: nobody holds it.
    if (this.below.transmitErrors !== errors) return true;
    mine.holds++;
    this.held.push(mine.index, now);
    this.ended = this.model.afterTransmit(this.held, length);
    return true;
  }

  override reclaim(): number {
    const below = this.inner.reclaim();
    if (this.held.count > 0) {
      if (this.ended > 0) this.release(0);
      this.release(this.model.byTime(this.held, this.clock.now()));
    }
    if (below > 0 && this.lingering.length > 0) this.look();
    const { idle } = this;
    this.idle = 0;
    return idle;
  }

  /** Ends the holds that an interrupt has ended, and `count` more of the oldest. */
  private release(count: number): void {
    let left = this.ended + count;
    this.ended = 0;
    for (; left > 0; left--) {
      const buffer = this.buffers[this.held.shift()] as HeldBuffer;
      if (--buffer.holds > 0) continue;
      if (buffer.inner.pins === 0) {
        this.idle++;
      } else if (!buffer.lingers) {
        buffer.lingers = true;
        this.lingering.push(buffer.index);
      }
    }
  }

  /** It became idle without a reclaim: out of the list, and into the count of the next one. */
  private lingersNoMore(buffer: HeldBuffer): void {
    this.lingering.splice(this.lingering.indexOf(buffer.index), 1);
    buffer.lingers = false;
    this.idle++;
  }

  /** The link below released something: which of those that waited for it alone are idle now. */
  private look(): void {
    let kept = 0;
    for (let i = 0; i < this.lingering.length; i++) {
      const index = this.lingering[i] as number;
      const buffer = this.buffers[index] as HeldBuffer;
      if (buffer.holds === 0 && buffer.inner.pins > 0) {
        this.lingering[kept++] = index;
        continue;
      }
      // Sent again meanwhile: the end of that hold will decide.
      buffer.lingers = false;
      if (buffer.holds === 0) this.idle++;
    }
    this.lingering.length = kept;
  }

  override nextDeadline(): number {
    if (this.ended > 0 || this.idle > 0) return 0;
    return Math.min(this.model.deadline(this.held), this.inner.nextDeadline());
  }
}
