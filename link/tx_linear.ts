// The second decision of tx_path.ts: frames of more than a page leave by the socket that makes one piece of them
// (sys/linear_sender.ts), all others by the ordinary one.
//
// Where the kernel has no memory in one piece it may still have single pages: that frame leaves by the ordinary
// socket at once, and the next large ones with it, or each of them would ask in vain first. Where that is refused too it was
// something else that had no room.

import { ENOBUFS, ENOMEM } from "../sys/errno.ts";
import { LEAST_LINEAR, MOST_LINEAR } from "../sys/linear_sender.ts";

/** How many large frames take the ordinary socket after one that found no memory in one piece. */
export const DETOUR = 1000;

/** What sends frames; each call returns 0 or the errno. */
export interface FrameSender {
  send(address: number, length: number): number;
  /** One frame from two places. */
  sendBoth(first: number, length: number, second: number, secondLength: number): number;
}

/** `isLarge`: by which socket the next frame is to leave, where it does not go by `send`. */
export interface SizedSender extends FrameSender {
  isLarge(length: number): boolean;
}

/** `linear` null: there is none, and `ordinary` sends all. */
export function sendBySize(ordinary: FrameSender, linear: FrameSender | null): SizedSender {
  if (linear === null) {
    return {
      isLarge: () => false,
      send: (address, length) => ordinary.send(address, length),
      sendBoth: (first, length, second, bytes) => ordinary.sendBoth(first, length, second, bytes),
    };
  }
  let detour = 0;

  function isLarge(length: number): boolean {
    if (length < LEAST_LINEAR || length > MOST_LINEAR) return false;
    if (detour === 0) return true;
    detour--;
    return false;
  }

  function mayBeFragmented(code: number): boolean {
    return code === ENOBUFS || code === ENOMEM;
  }

  /** `code` of the ordinary socket after one that the linear one refused. */
  function learn(code: number): number {
    if (code === 0) detour = DETOUR;
    return code;
  }

  return {
    isLarge,
    send(address, length) {
      if (!isLarge(length)) return ordinary.send(address, length);
      const code = linear.send(address, length);
      return mayBeFragmented(code) ? learn(ordinary.send(address, length)) : code;
    },
    sendBoth(first, length, second, bytes) {
      if (!isLarge(length + bytes)) return ordinary.sendBoth(first, length, second, bytes);
      const code = linear.sendBoth(first, length, second, bytes);
      if (!mayBeFragmented(code)) return code;
      return learn(ordinary.sendBoth(first, length, second, bytes));
    },
  };
}
