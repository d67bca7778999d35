// `per-send`: the message's alternative, allocate for each transmit and let it be freed when the link is done.
//
// Source: the message of 6 July 2007, "Alternatives": no preallocation, no list, alloc_skb for every packet.
//
//   a buffer's life:   allocate ── owned ── answer, the link releases (in either order) ──▶ freed
//
// No frames, no list, no cap: as much memory as commands out and pins held ask for. It never waits for a
// pin. It fails only where memory is short, which is when a write must not fail (claim E5).
//
// Price: an allocation and a free per command, and memory that the caches have not seen lately.

import type { TxBuffer } from "../../link/link.ts";
import type { Ledger } from "./ledger.ts";
import type { Strategy } from "./strategy.ts";

export class PerSend implements Strategy {
  readonly name = "per-send";
  readonly redrivenByReclaim = false;
  readonly frames = Infinity;
  readonly idled: (slot: number, now: number) => void;
  private readonly ledger: Ledger;

  constructor(ledger: Ledger) {
    this.ledger = ledger;
    this.idled = (slot, now) => ledger.giveBack(slot, now);
  }

  take(now: number): TxBuffer | null {
    return this.ledger.allocateHeadroom(now);
  }

  give(buffer: TxBuffer, idle: boolean, now: number): void {
    if (idle) this.ledger.giveBack(buffer.index, now);
  }

  nextDeadline(): number {
    return Infinity;
  }

  rest(_now: number): void {}
}
