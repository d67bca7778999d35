// A slow-down of known size in the send path: each transmit burns CPU time. `aoe bench prove slow` tests the judge
// of two results with it.

import type { Link } from "../../link/link.ts";
import { now } from "../../sys/clock.ts";

/**
 * The time of one clock read, ns (sys/clock.ts). A burn starts half a read before its first time stamp and ends half
 * a read after its last one, which on average is half a read late: together one and a half reads too long.
 */
const CLOCK_READ = 28;

/** Makes each transmit of `link` cost `ns` more. */
export function drag(link: Link, ns: number): void {
  if (ns === 0) return;
  const transmit = link.transmit.bind(link);
  link.transmit = (buffer, length) => {
    const until = now() + ns - 1.5 * CLOCK_READ;
    while (now() < until);
    return transmit(buffer, length);
  };
}
