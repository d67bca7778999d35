// The first decision of tx_path.ts: small frames leave by AF_XDP (sys/xdp_socket.ts), gathered a few at a time; all
// others, and all while the gate is closed or no slot is free, by the sender beneath.
//
//   small, gate open ──▶ a copy waits ── four of them, or `flush` ──▶ kick ──▶ the device
//                                                                      └ interface down ──▶ the sender beneath
//   any other ──▶ those that wait first, so that frames leave in their order ──▶ the sender beneath
//
// Four: more than half of what sixteen gain comes with two, five sixths with four, and the other end has something to do
// while more are made. A frame that waits was said to be sent; one that leaves by no path is lost, as on any
// network, and told to `lost`.

import { EBUSY } from "../sys/errno.ts";
import type { XdpSender } from "../sys/xdp_socket.ts";
import type { FrameSender } from "./tx_linear.ts";

/** Longer frames gain nothing. */
export const MOST_BY_XDP = 1100;
/** Frames gathered before the kernel is told. */
export const GATHERED = 4;

/** Each call may also return −1: taken, and not sent yet. */
export interface GatheringSender extends FrameSender {
  /** Hands over what waits. */
  flush(): void;
}

/**
 * `gate.sender`: asked for with each frame; null: not now. `gate.drop`: it is broken. `lost`: so many frames that were
 * said to be sent are gone, for this errno.
 */
export function sendByXdp(
  beneath: GatheringSender & { readonly waiting: number },
  gate: { readonly sender: XdpSender | null; drop(): void },
  lost: (frames: number, code: number) => void,
): GatheringSender {
  /** Has frames that wait; null: none do. */
  let gathering: XdpSender | null = null;

  function flush(): void {
    const xdp = gathering;
    if (xdp === null) return;
    gathering = null;
    const refused = xdp.kick();
    const dropped = xdp.takeDropped();
    if (dropped > 0) lost(dropped, EBUSY);
    if (refused === 0) return;
    if (!xdp.broken) {
      sendBeneath(xdp);
      return;
    }
    if (xdp.waiting > 0) lost(xdp.waiting, refused);
    gate.drop();
  }

  function sendBeneath(xdp: XdpSender): void {
    for (let frame = 0; frame < xdp.waiting; frame++) {
      const code = beneath.send(xdp.addressOf(frame), xdp.lengthOf(frame));
      if (code > 0) lost(1, code);
    }
    xdp.forget();
  }

  return {
    send(address, length) {
      const xdp = gate.sender;
      // What waits there leaves first.
      if (beneath.waiting > 0 && length <= MOST_BY_XDP) beneath.flush();
      if (xdp === null || length > MOST_BY_XDP || !xdp.hasRoom || beneath.waiting > 0) {
        flush();
        return beneath.send(address, length);
      }
      xdp.put(address, length);
      gathering = xdp;
      if (xdp.waiting >= GATHERED) flush();
      return 0;
    },
    sendBoth(first, length, second, bytes) {
      flush();
      return beneath.sendBoth(first, length, second, bytes);
    },
    flush,
  };
}
