// The pool's options: --pool, --pool-prealloc, --pool-cap, --kick, and a job's keys of these names.

import {
  choice,
  integer,
  type OptionTable,
  type OptionType,
  type OptionValues,
} from "../../words/option.ts";
import { expected } from "../../words/failure.ts";
import { parseDuration } from "../../words/quantity.ts";
import type { Link } from "../../link/link.ts";
import { createPool, STRATEGIES } from "./buffer_pool.ts";
import type { Pool } from "./pool.ts";

/** The greatest that either number may be: a ring link opens a socket for each buffer. */
const MOST = 65_536;

/** ns after which a dry pool with nothing outstanding tries again, or as soon as the link releases a buffer. */
export type Kick = number | "on-release";

const kick: OptionType<Kick> = {
  hint: "when",
  parse(text, what) {
    if (text === "on-release") return text;
    let wait = 0;
    try {
      wait = parseDuration(text, what);
    } catch {
      // The rule has a word more than a duration's.
    }
    if (wait > 0) return wait;
    throw expected(what, "a duration > 0 with a unit (us, ms, s), or on-release", text);
  },
};

export const POOL_OPTIONS = {
  pool: {
    type: choice(STRATEGIES, "strategy"),
    default: "completion",
    help: "the pool's strategy",
  },
  pool_prealloc: { type: integer(1, MOST), default: "16", help: "buffers allocated at the start" },
  pool_cap: { type: integer(0, MOST), default: "256", help: "most extra buffers (headroom)" },
  kick: {
    type: kick,
    default: "100ms",
    help: "when a dry pool with nothing outstanding tries again: after a duration, or on-release",
  },
} as const satisfies OptionTable;

export type PoolOptions = OptionValues<typeof POOL_OPTIONS>;

/** A pool of buffers of `frameBytes` on a link, as the options have it. */
export function poolOn(
  { pool: strategy, poolPrealloc: preallocated, poolCap: cap }: PoolOptions,
  link: Link,
  frameBytes: number,
  verify = false,
): Pool {
  return createPool({ strategy, link, frameBytes, preallocated, cap, verify });
}
