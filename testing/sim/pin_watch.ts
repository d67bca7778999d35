// Around a link that releases late, nearest to the core: a buffer that the link holds is never written,
// and what it holds it lets go of once.
//
//   transmit   held already? then its bytes must be those that were sent
//              and it is held once more than before

import type { FrameView, Link, LinkCounters, TxBuffer } from "../../link/link.ts";
import * as ata from "../../wire/ata.ts";
import type { Mac } from "../../wire/mac.ts";
import { Violation } from "./violation.ts";

/** Words of the headers, and of a first sector's stamp behind them. */
const LOOK = ata.LENGTH / 4 + 2;

export class PinWatch implements Link {
  readonly fds: readonly number[] = [];
  readonly counters: Readonly<LinkCounters>;
  private readonly inner: Link;
  /** By buffer index: what it looked like when it was last sent. */
  private readonly sent: (Int32Array | undefined)[] = [];

  constructor(inner: Link) {
    this.inner = inner;
    this.counters = inner.counters;
  }

  get mac(): Mac {
    return this.inner.mac;
  }
  get mtu(): number {
    return this.inner.mtu;
  }
  get onChange(): (() => void) | null {
    return this.inner.onChange;
  }
  set onChange(listener: (() => void) | null) {
    this.inner.onChange = listener;
  }
  allocate(size: number): TxBuffer | null {
    return this.inner.allocate(size);
  }
  free(buffer: TxBuffer): void {
    this.inner.free(buffer);
  }
  receive(visit: (frame: FrameView) => void, limit: number): number {
    return this.inner.receive(visit, limit);
  }

  transmit(buffer: TxBuffer, length: number): boolean {
    const { index, pins, view } = buffer;
    if (pins < 0) throw new Violation("pins", `buffer ${index} is held ${pins} times`);
    let look = this.sent[index];
    if (look === undefined) {
      look = new Int32Array(LOOK);
      this.sent[index] = look;
    } else if (pins > 0) {
      for (let word = 0; word < LOOK; word++) {
        if (look[word] !== view.getInt32(word * 4)) {
          throw new Violation(
            "pins",
            `buffer ${index}, which the link holds ${pins} times, was written at byte ${word * 4}`,
          );
        }
      }
    }
    for (let word = 0; word < LOOK; word++) look[word] = view.getInt32(word * 4);
    return this.inner.transmit(buffer, length);
  }

  flush(): void {
    this.inner.flush();
  }
  reclaim(): number {
    return this.inner.reclaim();
  }
  nextDeadline(): number {
    return this.inner.nextDeadline();
  }
  close(): void {
    this.inner.close();
  }
}
