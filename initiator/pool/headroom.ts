// Linux's pool proper (skbpool, skb_pool_get and skb_pool_put): a queue of buffers that frames swapped out.
//
//   get ◀── head [ 3 ] [ 8 ] [ 5 ] [ 12 ] tail ◀── put
//
//   get   the head, if it is idle; else a new buffer while fewer than `cap` are in the queue; else none
//   put   at the tail: the pinned buffer of the frame that took what `get` gave
//
// Each get is followed by one put, so the queue is as long as the number of buffers ever allocated, which
// makes its length a cap for the life of the device. Only the head is tested: a buffer that is idle
// behind a pinned head is not found (`headBlocked`).
//
// Sources: drivers/block/aoe/aoecmd.c of Linux 2.6.25 and of 6.x, which differ in the list they use.

import type { TxBuffer } from "../../link/link.ts";
import type { Ledger } from "./ledger.ts";

export class Headroom {
  private readonly ledger: Ledger;
  /** A ring; a power of two, grown by doubling. */
  private ring: (TxBuffer | null)[] = new Array<TxBuffer | null>(64).fill(null);
  private head = 0;
  length = 0;
  /** By slot: whether it is in the queue and the link was not seen to release it; and how many are. */
  private pinnedHere: Uint8Array = new Uint8Array(64);
  private pinned = 0;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
  }

  /** A buffer without pins, for a frame whose own is pinned; the caller puts that one next. Null: dry. */
  get(now: number): TxBuffer | null {
    const { ledger } = this;
    const { metrics } = ledger;
    metrics.poolTouches++;
    const head = this.length === 0 ? null : (this.ring[this.head] ?? null);
    if (head !== null && head.pins === 0) {
      this.ring[this.head] = null;
      this.head = (this.head + 1) & (this.ring.length - 1);
      this.length--;
      this.idled(head.index);
      return head;
    }
    // As far as `reclaimed` has told: looking at each would cost more than all the rest.
    if (this.length > this.pinned) metrics.headBlocked++;
    return this.length < metrics.cap ? ledger.allocateHeadroom(now) : null;
  }

  put(pinned: TxBuffer): void {
    if (this.length === this.ring.length) this.widen();
    this.ring[(this.head + this.length) & (this.ring.length - 1)] = pinned;
    this.length++;
    if (this.length !== this.ledger.metrics.poolLength) {
      throw new Error(
        `invariant: the pool's length ${this.length} is what was allocated, ${this.ledger.metrics.poolLength}`,
      );
    }
    const slot = pinned.index;
    if (slot >= this.pinnedHere.length) this.widenSlots(slot);
    this.pinnedHere[slot] = 1;
    this.pinned++;
  }

  /** The link was seen to release the buffer in `slot`, wherever that is. */
  idled(slot: number): void {
    if (this.pinnedHere[slot] !== 1) return;
    this.pinnedHere[slot] = 0;
    this.pinned--;
  }

  private widen(): void {
    const { ring } = this;
    const wider = new Array<TxBuffer | null>(ring.length * 2).fill(null);
    for (let i = 0; i < this.length; i++) {
      wider[i] = ring[(this.head + i) & (ring.length - 1)] ?? null;
    }
    this.ring = wider;
    this.head = 0;
  }

  private widenSlots(slot: number): void {
    const wider = new Uint8Array(Math.max(slot + 1, this.pinnedHere.length * 2));
    wider.set(this.pinnedHere);
    this.pinnedHere = wider;
  }
}
