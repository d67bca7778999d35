// A slow-down of known size in the send path: each transmit burns so much more of the CPU. What tries the
// judge of two results (`aoe bench prove slow`), and nothing else.

import type { Link } from "../../link/link.ts";
import { now } from "../../sys/clock.ts";

/**
 * What one look at the clock takes, ns (sys/clock.ts). A burn begins half a look before its first reading and
 * ends half a look after its last, which on average comes half a look late: one and a half are too much.
 */
const LOOK = 28;

/** Makes each transmit of `link` cost `ns` more. */
export function drag(link: Link, ns: number): void {
  if (ns === 0) return;
  const transmit = link.transmit.bind(link);
  link.transmit = (buffer, length) => {
    const until = now() + ns - 1.5 * LOOK;
    while (now() < until);
    return transmit(buffer, length);
  };
}
