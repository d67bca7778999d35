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
import type { Link, LinkCounters } from "./link.ts";
import { openPacketReceiver, type RawLinkFacts } from "./packet_receiver.ts";
import type { PacketOptions } from "./packet_options.ts";

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
  let lane: ReturnType<typeof openPacketReceiver>;
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
  const counters: LinkCounters = { ...link.counters };
  return {
    get mac() {
      return link.mac;
    },
    get mtu() {
      return link.mtu;
    },
    get onChange() {
      return link.onChange;
    },
    set onChange(told) {
      link.onChange = told;
    },
    get carrier() {
      return link.carrier;
    },
    get truncated() {
      return link.truncated + lane.truncated;
    },
    get counters() {
      lane.countDrops();
      const { received, receiveDrops } = lane.counters;
      Object.assign(counters, link.counters);
      counters.received += received;
      counters.receiveDrops += receiveDrops;
      counters.lane = { received, receiveDrops };
      return counters;
    },
    interface: link.interface,
    granted: {
      ...link.granted,
      warnings: [...new Set([...link.granted.warnings, ...lane.granted.warnings])],
    },
    fds: [...link.fds, ...lane.fds],
    allocate: (size) => link.allocate(size),
    free: (buffer) => link.free(buffer),
    receive(visit, limit) {
      const writes = lane.receive(visit, limit);
      // With no room left too: it looks at the interface then.
      return writes + link.receive(visit, limit - writes);
    },
    waiting: () => lane.waiting() || link.waiting?.() === true,
    transmit: (buffer, length) => link.transmit(buffer, length),
    flush: () => link.flush(),
    reclaim: () => link.reclaim(),
    nextDeadline: () => link.nextDeadline(),
    close() {
      link.close();
      lane.close();
    },
  };
}
