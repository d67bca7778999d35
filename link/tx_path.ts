// How a frame of a packet link leaves: four decisions, a file each. What one says no to goes below.
//
//   transmit ─▶ small, and is the interface clear? ─ yes ─▶ AF_XDP: copied into a slot, gathered          tx_xdp.ts
//               (xdp_gate.ts)          │ no                   │ no slot, or the kernel refuses
//                                      ├◀─────────────────────┘
//                                      ▼
//               do more requests wait? ──────────────── yes ─▶ gathered, then sendmmsg(2) on the      tx_batch.ts
//                                      │ no                   │ socket that the next decision names
//                                      ├◀──── refused ────────┘
//                                      ▼
//               larger than a page? ─────────────────── yes ─▶ PACKET_VNET_HDR: copied into one piece   tx_linear.ts
//                                      │ no                   │ no memory in one piece
//                                      ├◀─────────────────────┘
//                                      ▼
//               send(2), sendmsg(2) on the caller's socket: copied page by page
//
// AF_XDP and PACKET_VNET_HDR are there where the kernel grants them.
//
// Each path is a FrameSender. One that keeps frames until `flush` can stand over any other, and the
// loop flushes once an iteration (loop.ts). It owes: frames leave in the order in which they were
// given, also past those that it does not take, and a frame that was said to be sent and is not is told to `lost`.

import { now } from "../sys/clock.ts";
import { ENETDOWN } from "../sys/errno.ts";
import { createFrameBatch } from "../sys/frame_batch.ts";
import { openLinearSender } from "../sys/linear_sender.ts";
import type { PacketSocket } from "../sys/packet_socket.ts";
import type { PacketReceiver } from "./packet_receiver.ts";
import { sendInBatches } from "./tx_batch.ts";
import { type FrameSender, sendBySize } from "./tx_linear.ts";
import { type GatheringSender, sendByXdp } from "./tx_xdp.ts";
import { openXdpGate, watchXdpGate } from "./xdp_gate.ts";
import type { XdpUse } from "./xdp_use.ts";

export interface TxPath extends GatheringSender {
  /** Hands over what would be read from elsewhere: for who may be about to change that. */
  settle(): void;
  /** When `flush` is next to be called, ns; Infinity: it need not. */
  nextDeadline(): number;
  /** What was asked for and can't be had, one sentence each. */
  readonly warnings: readonly string[];
  /** From now on frames leave by interface `index`; those that wait are lost with the one before. */
  move(index: number): void;
  close(): void;
}

/** What the link knows of frames that were refused. */
export interface Refused {
  /** Whether this errno of a frame of `length` bytes means "later". */
  isLater(code: number, length: number): boolean;
  /** A frame of `length` bytes was sent. */
  sent(length: number): void;
}

/** Out of interface `name` over `ordinary`, which stays the caller's; for the link that receives by `receiver`. */
export function openTxPath(
  name: string,
  ordinary: PacketSocket,
  receiver: PacketReceiver,
  use: XdpUse,
  refusals: Refused,
): TxPath {
  const { transmitIndex, counters } = receiver;
  const { sendBufferBytes } = receiver.granted;
  const linear = openLinearSender(transmitIndex, sendBufferBytes);
  const paths = { linear: 0, ordinary: 0 };
  counters.paths = paths;
  const bySize = sendBySize(
    counting(ordinary, () => paths.ordinary++),
    linear === null ? null : counting(linear, () => paths.linear++),
  );
  const lost = (frames: number, code: number): void => {
    counters.transmitted -= frames;
    counters.transmitErrors += frames;
    counters.lastErrno = code;
  };
  const batch = createFrameBatch();
  const batches = sendInBatches(bySize, {
    batch,
    ordinary: ordinary.fd,
    linear: linear?.fd ?? ordinary.fd,
    now,
    more: receiver.follows,
    isLater: refusals.isLater,
    left(frames, isLarge, length) {
      if (isLarge) paths.linear += frames;
      else paths.ordinary += frames;
      refusals.sent(length);
    },
    lost: (code) => lost(1, code),
  });
  const openGate = use === "on" ? openXdpGate : watchXdpGate;
  const gate = use === "off" ? null : openGate(transmitIndex, sendBufferBytes);
  const path = gate === null ? batches : sendByXdp(batches, gate, lost);
  const flush = (): void => {
    path.flush();
    batches.flush();
  };
  if (gate !== null) receiver.onLook = gate.look;
  return {
    send: (address, length) => path.send(address, length),
    sendBoth: (first, length, second, bytes) => path.sendBoth(first, length, second, bytes),
    flush,
    settle: () => batches.flush(),
    nextDeadline: () => batches.againAt,
    warnings: use === "on" && gate?.sender === null ? [refusal(name)] : [],
    move(index) {
      flush();
      batches.drop(ENETDOWN);
      gate?.move(index);
      linear?.move(index);
    },
    close() {
      flush();
      batches.drop(ENETDOWN);
      receiver.onLook = null;
      gate?.close();
      linear?.close();
      batch.close();
    },
  };
}

/** Tells `sent` of each frame that the kernel took. */
function counting(sender: FrameSender, sent: () => void): FrameSender {
  return {
    send(address, length) {
      const code = sender.send(address, length);
      if (code === 0) sent();
      return code;
    },
    sendBoth(first, length, second, bytes) {
      const code = sender.sendBoth(first, length, second, bytes);
      if (code === 0) sent();
      return code;
    },
  };
}

function refusal(name: string): string {
  return `No AF_XDP on ${name}, where another socket has its queue or the kernel grants none: frames leave by an ordinary packet socket`;
}
