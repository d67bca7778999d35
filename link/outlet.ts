// What a packet link sends by, three ways that stand on each other:
//
//   small ──▶ by_xdp.ts ─ not clear ─▶ by_size.ts ──▶ an ordinary packet socket
//                                         └ more than a page ──▶ one that makes one piece of it
//
// The upper two are there where the kernel grants them: without them everything goes the ordinary way.

import { openLinearSender } from "../sys/linear_sender.ts";
import { openXdpSender } from "../sys/xdp_socket.ts";
import { type FrameSender, sendBySize } from "./by_size.ts";
import { type GatheringSender, sendByXdp } from "./by_xdp.ts";
import { type ClearWay, watchWay } from "./clear_way.ts";
import type { PacketReceiver } from "./packet_receiver.ts";
import type { XdpUse } from "./xdp_use.ts";

export interface Outlet extends GatheringSender {
  /** What was asked for and can't be had, one sentence each. */
  readonly warnings: readonly string[];
  close(): void;
}

/** Over `ordinary`, which stays the caller's, for the interface by which `receiver`'s link sends. */
export function openOutlet(ordinary: FrameSender, receiver: PacketReceiver, use: XdpUse): Outlet {
  const linear = openLinearSender(receiver.transmitIndex, receiver.granted.sendBufferBytes);
  const bySize = sendBySize(ordinary, linear);
  const xdp = use === "off" ? null : openXdpSender(receiver.transmitIndex);
  if (xdp === null) {
    return {
      ...bySize,
      flush() {},
      warnings: use === "on" ? [refusal(receiver.name)] : [],
      close() {
        linear?.close();
      },
    };
  }
  const way = use === "on" ? ALWAYS : watchWay(receiver.transmitIndex);
  receiver.onLook = way.look;
  const outlet = sendByXdp(bySize, xdp, way, (frames, code) => {
    receiver.counters.transmitted -= frames;
    receiver.counters.transmitErrors += frames;
    receiver.counters.lastErrno = code;
  });
  return {
    ...outlet,
    warnings: [],
    close() {
      outlet.flush();
      receiver.onLook = null;
      xdp.close();
      way.close();
      linear?.close();
    },
  };
}

const ALWAYS: ClearWay = { clear: true, look() {}, close() {} };

function refusal(name: string): string {
  return `No AF_XDP on ${name}, where another process has its queue or the kernel grants none: frames leave the ordinary way`;
}
