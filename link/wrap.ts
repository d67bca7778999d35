// Links around links: the base of all wrappers, and the order in which the user gives them. The first stands nearest
// the core, so a frame that goes out passes them in that order and one that comes in the other way.
//
//   core ⇄ first ⇄ second ⇄ … ⇄ link          --reclaim … --faults … --capture …

import type { Mac } from "../wire/mac.ts";
import type { FrameView, Link, LinkCounters, TxBuffer } from "./link.ts";

/** A link that leaves everything to the one that it is around: a wrapper overrides what it changes. */
export class WrappedLink<Inner extends Link = Link> implements Link {
  protected readonly inner: Inner;

  constructor(inner: Inner) {
    this.inner = inner;
  }

  get mac(): Mac {
    return this.inner.mac;
  }
  get mtu(): number {
    return this.inner.mtu;
  }
  get fds(): readonly number[] {
    return this.inner.fds;
  }
  get counters(): Readonly<LinkCounters> {
    return this.inner.counters;
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

/** Makes a link around the one that it is given. */
export type Wrapper = (inner: Link) => Link;

export function wrapLink(link: Link, wrappers: readonly Wrapper[]): Link {
  return wrappers.reduceRight((inner, wrap) => wrap(inner), link);
}
