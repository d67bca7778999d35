// How a frame of a packet link leaves: three decisions, a file each. What one of them says no to goes to the path below.
//
//   transmit ─▶ small, and is the interface clear? ─ yes ─▶ AF_XDP: copied into a slot, gathered          tx_xdp.ts
//               (xdp_gate.ts)          │ no                   │ no slot, or the kernel refuses
//                                      ├◀─────────────────────┘
//                                      ▼
//               larger than a page? ─────────────────── yes ─▶ PACKET_VNET_HDR: copied into one piece   tx_linear.ts
//                                      │ no                   │ no memory in one piece
//                                      ├◀─────────────────────┘
//                                      ▼
//               send(2), sendmsg(2) on the caller's socket: copied page by page
//
// The upper two are there where the kernel grants them: without them everything takes the last.
//
// Each path is a FrameSender. Batches go in there: one that keeps frames until `flush`, as tx_xdp.ts does, can stand
// over any other, and the loop flushes once an iteration (loop.ts). It owes what tx_xdp.ts owes: frames leave in the
// order in which they were given, also past those that it does not take, and a frame that was said to be sent and is
// not is told to `lost`.

import { openLinearSender } from "../sys/linear_sender.ts";
import type { PacketReceiver } from "./packet_receiver.ts";
import { type FrameSender, sendBySize } from "./tx_linear.ts";
import { type GatheringSender, sendByXdp } from "./tx_xdp.ts";
import { openXdpGate, watchXdpGate } from "./xdp_gate.ts";
import type { XdpUse } from "./xdp_use.ts";

export interface TxPath extends GatheringSender {
  /** What was asked for and can't be had, one sentence each. */
  readonly warnings: readonly string[];
  /** From now on frames leave by interface `index`; those that wait are lost with the one before. */
  move(index: number): void;
  close(): void;
}

/** Out of interface `name` over `ordinary`, which stays the caller's; for the link that receives by `receiver`. */
export function openTxPath(
  name: string,
  ordinary: FrameSender,
  receiver: PacketReceiver,
  use: XdpUse,
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
  const openGate = use === "on" ? openXdpGate : watchXdpGate;
  const gate = use === "off" ? null : openGate(transmitIndex, sendBufferBytes);
  const path =
    gate === null
      ? { ...bySize, flush() {} }
      : sendByXdp(bySize, gate, (frames, code) => {
          counters.transmitted -= frames;
          counters.transmitErrors += frames;
          counters.lastErrno = code;
        });
  if (gate !== null) receiver.onLook = gate.look;
  return {
    ...path,
    warnings: use === "on" && gate?.sender === null ? [refusal(name)] : [],
    move(index) {
      path.flush();
      gate?.move(index);
      linear?.move(index);
    },
    close() {
      path.flush();
      receiver.onLook = null;
      gate?.close();
      linear?.close();
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
