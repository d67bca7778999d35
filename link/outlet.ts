// What a packet link sends by, three ways that stand on each other:
//
//   small ──▶ by_xdp.ts ─ not open ─▶ by_size.ts ──▶ an ordinary packet socket
//                                        └ more than a page ──▶ one that makes one piece of it
//
// The upper two are there where the kernel grants them: without them everything goes the ordinary way.

import { openLinearSender } from "../sys/linear_sender.ts";
import { type FrameSender, sendBySize } from "./by_size.ts";
import { type GatheringSender, sendByXdp } from "./by_xdp.ts";
import type { PacketReceiver } from "./packet_receiver.ts";
import type { XdpUse } from "./xdp_use.ts";
import { openXdpWay, watchXdpWay } from "./xdp_way.ts";

export interface Outlet extends GatheringSender {
  /** What was asked for and can't be had, one sentence each. */
  readonly warnings: readonly string[];
  /** From now on frames leave by interface `index`; those that wait are lost with the one before. */
  move(index: number): void;
  close(): void;
}

/** Out of interface `name` over `ordinary`, which stays the caller's; for the link that receives by `receiver`. */
export function openOutlet(
  name: string,
  ordinary: FrameSender,
  receiver: PacketReceiver,
  use: XdpUse,
): Outlet {
  const { transmitIndex, counters } = receiver;
  const { sendBufferBytes } = receiver.granted;
  const linear = openLinearSender(transmitIndex, sendBufferBytes);
  const bySize = sendBySize(ordinary, linear);
  if (use === "off") {
    return {
      ...bySize,
      flush() {},
      warnings: [],
      move(index) {
        linear?.move(index);
      },
      close() {
        linear?.close();
      },
    };
  }
  const openWay = use === "on" ? openXdpWay : watchXdpWay;
  const way = openWay(transmitIndex, sendBufferBytes);
  receiver.onLook = way.look;
  const outlet = sendByXdp(bySize, way, (frames, code) => {
    counters.transmitted -= frames;
    counters.transmitErrors += frames;
    counters.lastErrno = code;
  });
  return {
    ...outlet,
    warnings: use === "on" && way.sender === null ? [refusal(name)] : [],
    move(index) {
      outlet.flush();
      way.move(index);
      linear?.move(index);
    },
    close() {
      outlet.flush();
      receiver.onLook = null;
      way.close();
      linear?.close();
    },
  };
}

function refusal(name: string): string {
  return `No AF_XDP on ${name}, where another socket has its queue or the kernel grants none: frames leave the ordinary way`;
}
