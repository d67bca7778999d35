// Small frames leave by AF_XDP (sys/xdp_socket.ts), gathered a few at a time; all others, and all while the way is not
// clear, by the sender beneath.
//
//   small, way clear ──▶ a copy waits ── four of them, or `flush` ──▶ kick ──▶ the device
//                                                                      └ refused ──▶ the sender beneath
//   any other ──▶ those that wait first, so that frames leave in their order ──▶ the sender beneath
//
// Four: half of what there is to gain comes with two, three quarters with four, and the other end has something to do
// while more are made. A frame that waits was said to be sent; one that neither way takes then is lost, as on any
// network, and told to `lost`.

import { EBUSY } from "../sys/errno.ts";
import { XDP_SLOT_BYTES, type XdpSender } from "../sys/xdp_socket.ts";
import type { FrameSender } from "./by_size.ts";

/** Longer frames gain nothing; this takes the largest answer with two sectors. */
export const MOST_BY_XDP = 1100;
/** Frames gathered before the kernel is told. */
export const GATHERED = 4;

export interface GatheringSender extends FrameSender {
  /** Hands over what waits. */
  flush(): void;
}

/** `way`: asked for each frame. `lost`: so many frames that were said to be sent are gone, for this errno. */
export function sendByXdp(
  beneath: FrameSender,
  xdp: XdpSender,
  way: { readonly clear: boolean },
  lost: (frames: number, code: number) => void,
): GatheringSender {
  function flush(): void {
    if (xdp.waiting === 0) return;
    const refused = xdp.kick();
    const dropped = xdp.takeDropped();
    if (dropped > 0) lost(dropped, EBUSY);
    if (refused === 0) return;
    for (let frame = 0; frame < xdp.waiting; frame++) {
      const code = beneath.send(xdp.addressOf(frame), xdp.lengthOf(frame));
      if (code !== 0) lost(1, code);
    }
    xdp.forget();
  }

  return {
    send(address, length) {
      if (length > MOST_BY_XDP || !way.clear) {
        flush();
        return beneath.send(address, length);
      }
      xdp.put(address, length);
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

// A frame that is small enough always fits.
if (MOST_BY_XDP > XDP_SLOT_BYTES) throw new Error("invariant: slots too small");
