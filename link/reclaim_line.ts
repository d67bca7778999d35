// Late release by a line that takes so many bytes a second: a token bucket (tc's tbf), or a wire
// whose driver releases each frame when it has left. Frames that come faster than it takes them
// wait for those before them, so that the hold grows with what is sent, not with time alone.
//
//   sent      │ │ │ │                   by the virtual scheduling of ATM (GCRA): a frame of L bytes
//   released  │   │   │   │             moves the line's end by L ÷ rate, and is released once that
//               └ L ÷ rate              end is no further off than what the bucket holds
//
// The only model that remembers: when a frame is due depends on frames that were released long ago.
// So each link has one of its own (`fresh`).

import type { Held, ReclaimModel } from "./release_rule.ts";

const S = 1e9;

/** `rate` bytes a second, of which `burst` bytes pass at once after a pause. */
export function line(text: string, rate: number, burst: number): ReclaimModel {
  const ahead = (burst / rate) * S;
  /** When each transmit is due, of which the last `held.count` are held: a ring. */
  let dues = new Float64Array(64);
  let count = 0;
  /** When the line would have sent all that it was given. */
  let end = -Infinity;

  const due = (held: Held, index: number): number =>
    dues[(count - held.count + index) & (dues.length - 1)] ?? 0;

  function grow(): void {
    const wider = new Float64Array(2 * dues.length);
    for (let back = 1; back <= dues.length; back++) {
      const from = (count - back) & (dues.length - 1);
      wider[(count - back) & (wider.length - 1)] = dues[from] ?? 0;
    }
    dues = wider;
  }

  return {
    text,
    holds: true,
    byTime(held, now) {
      let released = 0;
      while (released < held.count && due(held, released) <= now) released++;
      return released;
    },
    deadline: (held) => (held.count > 0 ? due(held, 0) : Infinity),
    beforeTransmit: () => 0,
    afterTransmit(held, length) {
      if (held.count > dues.length) grow();
      const sent = held.at(held.count - 1);
      end = Math.max(end, sent) + (length / rate) * S;
      dues[count & (dues.length - 1)] = Math.max(sent, end - ahead);
      count++;
      return 0;
    },
    onReceive: () => 0,
    fresh: () => line(text, rate, burst),
  };
}
