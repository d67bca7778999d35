// The end of a pool whose buffers the link may still hold: look again every 100 ms for up to 3 s, then
// leave them behind and say so. Linux does the same (skbfree in drivers/block/aoe/aoedev.c: "cannot
// free skb -- memory leaked").
//
//   begin ── close ──▶ nothing left: over
//              │ ▲
//              └─┘ every 100 ms; after 3 s: over, with a message
//
// Meanwhile the loop keeps the link reclaiming.

import { shownTime } from "../../words/shown.ts";
import { MS, S } from "../../words/quantity.ts";
import type { Pool } from "./pool.ts";

const EVERY = 100 * MS;
const PATIENCE = 3 * S;

export class Teardown {
  private readonly pool: Pool;
  private readonly until: number;
  private next: number;
  over: boolean;
  /** One sentence about what was left behind; null: nothing, or it is not over. */
  message: string | null = null;

  /** The commands have ended and given their buffers back. */
  constructor(pool: Pool, now: number) {
    this.pool = pool;
    this.until = now + PATIENCE;
    this.next = now + EVERY;
    this.over = pool.close(now);
  }

  /** ns; Infinity when it is over. */
  nextDeadline(): number {
    return this.over ? Infinity : this.next;
  }

  /** True when it is over. */
  advance(now: number): boolean {
    if (this.over || now < this.next) return this.over;
    this.next = Math.min(now + EVERY, this.until);
    this.over = this.pool.close(now) || now >= this.until;
    if (this.over) this.message = leakMessage(this.pool, now);
    return this.over;
  }
}

/** What `pool` leaves behind, with the age of the oldest; null: nothing. */
export function leakMessage(pool: Pool, now: number): string | null {
  const leaks = pool.leaks(now);
  if (leaks.length === 0) return null;
  let oldest = 0;
  for (const leak of leaks) oldest = Math.max(oldest, leak.age_ns);
  const buffers = leaks.length === 1 ? "1 buffer" : `${leaks.length} buffers`;
  const them = leaks.length === 1 ? "it" : "them";
  return `Leaked ${buffers}: the link still holds ${them}, the oldest for ${shownTime(oldest)}`;
}
