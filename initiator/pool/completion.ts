// `completion`: ours. The link's own completions feed a free list.
//
//                  ┌── answer, no pins ──────────────────────────────────┐
//   free list      │                                                     ▼
//   (a stack)  ── acquire ──▶ owned ── answer, pinned ──▶ held ──▶ the link releases
//      ▲                                                                 │
//      └──────────────── pushed at once, in any order ───────────────────┘
//
//   empty: a new buffer while below the cap; else dry, and the next completion drives the device again
//
// Any idle buffer is found in O(1) and none hides behind a pinned one. The buffer freed last is used first, while the
// caches still have it. Which buffers the link released, the ledger finds: O(1) amortized where a link
// releases in about the order of transmits.
//
// Headroom goes back: what lay at the bottom of the stack during a whole QUIET (the least depth that it had)
// was not needed, and is freed, oldest first, never below the preallocated number.
//
// `both` is the same list under commands that end only when answer and release have both come, as
// on hosts of NVMe over Fabrics: no buffer outlives its command, so none is ever pinned alone. A
// late link costs latency there, and with it depth (protocol/exchange.ts, released).
//
// Price: O(1) per command; at most preallocated + cap buffers, and after a quiet period only those in use.

import type { TxBuffer } from "../../link/link.ts";
import { S } from "../../words/quantity.ts";
import type { Ledger } from "./ledger.ts";
import type { Strategy } from "./strategy.ts";

/** A buffer of the headroom that lay idle for this long, ns, is given back. */
export const QUIET = 1 * S;

export class Completion implements Strategy {
  readonly name: string;
  readonly redrivenByReclaim = true;
  readonly frames: number;
  readonly idled: (slot: number, now: number) => void;
  private readonly ledger: Ledger;
  /** Slots of idle buffers. */
  private readonly stack: Int32Array;
  private depth = 0;
  /** The least depth since the quiet period began, and when that period is over. */
  private least = 0;
  private quietAt = Infinity;
  private sweptAt = -1;

  constructor(ledger: Ledger, preallocated: number, cap: number, name: "completion" | "both") {
    this.name = name;
    this.ledger = ledger;
    this.stack = new Int32Array(preallocated + cap);
    this.idled = (slot) => this.push(slot);
    let own = 0;
    for (; own < preallocated; own++) {
      const buffer = ledger.allocateOwn();
      if (buffer === null) break;
      this.push(buffer.index);
    }
    this.frames = own + cap;
  }

  take(now: number): TxBuffer | null {
    if (now >= this.quietAt) this.rest(now);
    const { ledger } = this;
    // A link that several pools share may not have told us of all; once per iteration is enough.
    if (this.depth === 0 && this.sweptAt !== now) {
      this.sweptAt = now;
      ledger.settle(Infinity, now);
    }
    if (this.depth > 0) {
      const slot = this.stack[--this.depth] ?? 0;
      if (this.depth < this.least) this.least = this.depth;
      return ledger.buffers[slot] ?? null;
    }
    const { metrics } = ledger;
    if (metrics.poolLength >= metrics.cap) return null;
    this.least = 0;
    if (metrics.poolLength === 0) this.quietAt = now + QUIET;
    return ledger.allocateHeadroom(now);
  }

  give(buffer: TxBuffer, idle: boolean, _now: number): void {
    if (idle) this.push(buffer.index);
  }

  nextDeadline(): number {
    return this.quietAt;
  }

  /** The quiet period is over: frees what it did not need, and begins the next. */
  rest(now: number): void {
    if (now < this.quietAt) return;
    const { ledger, stack } = this;
    const { metrics } = ledger;
    const count = Math.min(this.least, metrics.poolLength);
    for (let i = 0; i < count; i++) ledger.giveBack(stack[i] ?? 0, now);
    stack.copyWithin(0, count, this.depth);
    this.depth -= count;
    metrics.givenBack += count;
    this.least = this.depth;
    this.quietAt = metrics.poolLength > 0 ? now + QUIET : Infinity;
  }

  private push(slot: number): void {
    this.stack[this.depth++] = slot;
  }
}
