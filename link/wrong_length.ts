// A link that now and then sends and hands on frames of another length than they had: cut anywhere behind the
// Ethernet header, or with what else stands in the buffer behind them. Beside link/faults.ts, which leaves
// lengths alone.

import type { FrameView, Link, Mutable, TxBuffer } from "./link.ts";
import { WrappedLink } from "./wrap.ts";
import * as ethernet from "../wire/ethernet.ts";
import type { Random } from "../words/random.ts";

/** Bytes that a received frame may grow by. */
const GROWTH = 64;

export class WrongLength extends WrappedLink {
  /** Frames with another length, in both directions. */
  altered = 0;
  private readonly share: number;
  private readonly tx: Random;
  private readonly rx: Random;
  private readonly seen: Mutable<FrameView> = {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    address: 0,
    base: 0,
    length: 0,
    addressed: 0,
    at: 0,
  };
  private visit: (frame: FrameView) => void = () => {};
  private readonly meet = (frame: FrameView): void => this.arrive(frame);

  /** `share` of the frames of each direction. */
  constructor(inner: Link, share: number, random: Random) {
    super(inner);
    this.share = share;
    this.tx = random.fork("tx");
    this.rx = random.fork("rx");
  }

  override transmit(buffer: TxBuffer, length: number): boolean {
    if (this.tx.float() >= this.share) return this.inner.transmit(buffer, length);
    this.altered++;
    const most = Math.min(buffer.bytes.length, ethernet.LENGTH + this.inner.mtu);
    return this.inner.transmit(buffer, ethernet.LENGTH + this.tx.below(most - ethernet.LENGTH));
  }

  override receive(visit: (frame: FrameView) => void, limit: number): number {
    this.visit = visit;
    return this.inner.receive(this.meet, limit);
  }

  private arrive(frame: FrameView): void {
    if (this.rx.float() >= this.share) {
      this.visit(frame);
      return;
    }
    this.altered++;
    const { seen } = this;
    Object.assign(seen, {
      bytes: frame.bytes,
      view: frame.view,
      address: frame.address,
      base: frame.base,
      addressed: frame.addressed,
      at: frame.at,
    });
    const room = Math.min(frame.length + GROWTH, frame.bytes.length - frame.base);
    seen.length = ethernet.LENGTH + this.rx.below(room - ethernet.LENGTH);
    this.visit(seen);
  }
}
