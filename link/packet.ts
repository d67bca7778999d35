// Frames over a raw socket: a receive ring in, sends out.
//
//   receive   packet_receiver.ts
//   transmit  buffer in an mmap'd arena ──▶ tx_path.ts ──▶ the kernel's copy; nothing stays pinned
//             header there, data elsewhere ──sendmsg──▶ the same (`transmitBoth`)
//
// A system call per frame, but for those that are sent while more requests wait: several then
// (tx_batch.ts, tx_xdp.ts).

import { allOrNothing } from "../sys/all_or_nothing.ts";
import { now } from "../sys/clock.ts";
import { EAGAIN, EINTR, ENOBUFS, ENOMEM } from "../sys/errno.ts";
import * as ethernet from "../wire/ethernet.ts";
import { createArena } from "./arena.ts";
import type { FrameView, Link, TxBuffer } from "./link.ts";
import { openPacketReceiver, type RawLinkFacts } from "./packet_receiver.ts";
import { openPacketSocket } from "../sys/packet_socket.ts";
import { Refusals } from "./refusals.ts";
import { openTxPath } from "./tx_path.ts";
import type { PacketOptions } from "./packet_options.ts";

const DEFAULT_BUDGET = 64 << 20;

export interface PacketLink extends Link, RawLinkFacts {}

/** Whether the kernel means "later" by this errno: the queue is full, nothing was sent. */
export function meansBusy(code: number): boolean {
  return isRefused(code) || code === EAGAIN || code === EINTR;
}

/** Whether it may mean "never" by it too (refusals.ts). */
export function isRefused(code: number): boolean {
  return code === ENOBUFS || code === ENOMEM;
}

/** Opens an interface. Throws an environment failure: no such interface, no permission. */
export function openPacketLink(options: PacketOptions): PacketLink {
  return allOrNothing((undo) => open(options, undo));
}

function open(options: PacketOptions, undo: (giveBack: () => void) => void): PacketLink {
  const receiver = openPacketReceiver(options);
  undo(() => receiver.close());
  const { counters } = receiver;
  const arena = createArena(options.budgetBytes ?? DEFAULT_BUDGET);
  // A socket that receives can send only where it is bound to.
  let sender = receiver.socket;
  if (options.transmitInterface !== undefined) {
    const own = openPacketSocket();
    undo(() => own.close());
    own.growSendBuffer(receiver.granted.sendBufferBytes);
    own.bind(receiver.transmitIndex, 0);
    sender = own;
  }
  const refusals = new Refusals();
  function isLater(code: number, length: number): boolean {
    return meansBusy(code) && !(isRefused(code) && refusals.refused(length, now()));
  }
  const path = openTxPath(
    options.transmitInterface ?? receiver.interface,
    sender,
    receiver,
    options.xdp ?? "auto",
    { isLater, sent: (length) => refusals.sent(length) },
  );
  receiver.onMoved = () => {
    if (sender !== receiver.socket) sender.bind(receiver.transmitIndex, 0);
    path.move(receiver.transmitIndex);
  };
  const { warnings } = receiver.granted;
  const closeReceiver = receiver.close;
  const { receive } = receiver;
  return Object.assign(receiver, {
    granted: { ...receiver.granted, warnings: [...warnings, ...path.warnings] },
    allocate: (size: number) => arena.allocate(size),
    free: (buffer: TxBuffer) => arena.free(buffer),
    receive(visit: (frame: FrameView) => void, limit: number) {
      try {
        return receive(visit, limit);
      } finally {
        // What waits may be in a file that is cut or unmapped in a moment.
        if (!receiver.closed) path.settle();
      }
    },
    transmit(buffer: TxBuffer, length: number) {
      if (receiver.closed) throw new Error("invariant: transmit on a closed link");
      if (length < ethernet.LENGTH || length > buffer.bytes.length) {
        throw new Error(`invariant: frame of ${length} bytes in ${buffer.bytes.length}`);
      }
      const code = path.send(buffer.address, length);
      if (code <= 0) {
        counters.transmitted++;
        if (code === 0) refusals.sent(length);
        return true;
      }
      if (isLater(code, length)) {
        counters.transmitBusy++;
        return false;
      }
      // ENETDOWN, ENXIO, EMSGSIZE, ENOBUFS for too long: lost, as a frame may be on any network; the core's timer sees
      // to it.
      counters.transmitErrors++;
      counters.lastErrno = code;
      return true;
    },
    transmitBoth(buffer: TxBuffer, length: number, address: number, bytes: number) {
      if (receiver.closed) throw new Error("invariant: transmit on a closed link");
      const code = path.sendBoth(buffer.address, length, address, bytes);
      if (code <= 0) {
        counters.transmitted++;
        if (code === 0) refusals.sent(length + bytes);
        return true;
      }
      // Whatever else it is, `transmit` will meet it again and count it.
      if (meansBusy(code)) counters.transmitBusy++;
      return false;
    },
    flush: path.flush,
    reclaim: () => 0,
    nextDeadline: path.nextDeadline,
    close() {
      if (receiver.closed) return;
      // It sends what waits.
      path.close();
      if (sender !== receiver.socket) sender.close();
      closeReceiver();
      arena.close();
    },
  });
}
