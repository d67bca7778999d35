// A lane of its own for the answers to writes: a second socket on the same interface, whose classic BPF
// filter in the kernel admits only tags with bit 30 (P19), with a receive ring of its own. The first
// socket's filter leaves exactly those out, so that a flood of read answers can't crowd out the
// completions that free a writer's memory.
//
//   interface ─┬─ tag bit 30 clear ─▶ the link's own ring ──┐
//              └─ tag bit 30 set   ─▶ the lane's ring ──────┴─▶ receive: the lane first
//
// Both filters are each other's complement: every frame goes to one socket, and to one only.

import { takeWhere } from "../sys/bpf.ts";
import * as aoe from "../wire/aoe.ts";
import type { FrameView, Link, LinkCounters } from "./link.ts";
import type { PacketOptions } from "./packet_options.ts";
import {
  type Granted,
  openPacketReceiver,
  type PacketReceiver,
  type RawLinkFacts,
} from "./packet_receiver.ts";
import { WrappedLink } from "./wrap.ts";

/** Bit 30 of a tag, in the tag's first byte. */
const WRITES = 0x40;

/**
 * The link that `open` makes of `options`, with a lane for write answers beside it. `counters` are both
 * sockets' together, and `counters.lane` the lane's share. `laneRingBytes`: 4 MiB unless told.
 */
export function openWithLane(
  open: (options: PacketOptions) => Link & RawLinkFacts,
  options: PacketOptions,
  laneRingBytes?: number,
): Link & RawLinkFacts {
  const link = open({ ...options, filter: takeWhere(aoe.TAG, WRITES, "clear") });
  const { transmitInterface: _, ringBytes: __, onNotice: ___, ...receiving } = options;
  let lane: PacketReceiver;
  try {
    lane = openPacketReceiver({
      ...receiving,
      ...(laneRingBytes === undefined ? {} : { ringBytes: laneRingBytes }),
      filter: takeWhere(aoe.TAG, WRITES, "set"),
      // It transmits nothing.
      sendBufferBytes: 0,
    });
  } catch (error) {
    link.close();
    throw error;
  }
  return new LaneLink(link, lane);
}

class LaneLink extends WrappedLink<Link & RawLinkFacts> implements RawLinkFacts {
  readonly interface: string;
  readonly granted: Granted;
  private readonly lane: PacketReceiver;
  private readonly polled: readonly number[];
  private readonly sum: LinkCounters;

  constructor(link: Link & RawLinkFacts, lane: PacketReceiver) {
    super(link);
    this.lane = lane;
    this.sum = { ...link.counters };
    this.interface = link.interface;
    const warnings = [...new Set([...link.granted.warnings, ...lane.granted.warnings])];
    this.granted = { ...link.granted, warnings };
    this.polled = [...link.fds, ...lane.fds];
  }

  override get fds(): readonly number[] {
    return this.polled;
  }
  get carrier(): boolean {
    return this.inner.carrier;
  }
  get truncated(): number {
    return this.inner.truncated + this.lane.truncated;
  }
  override get counters(): LinkCounters {
    const { sum } = this;
    const { received, receiveDrops } = this.lane.counters;
    Object.assign(sum, this.inner.counters);
    sum.received += received;
    sum.receiveDrops += receiveDrops;
    sum.lane = { received, receiveDrops };
    return sum;
  }

  override receive(visit: (frame: FrameView) => void, limit: number): number {
    const writes = this.lane.receive(visit, limit);
    // With no room left too: it looks at the interface then.
    return writes + this.inner.receive(visit, limit - writes);
  }

  waiting(): boolean {
    return this.lane.waiting() || this.inner.waiting?.() === true;
  }

  override close(): void {
    super.close();
    this.lane.close();
  }
}
