// `rate:1000iops/BURST` or `rate:100m/BURST`: a token bucket. BURST is how many commands (or bytes) may
// go at once after a pause; default one command (or one 128 KiB).
//
// The bucket is a virtual clock: `free` is when the next token is there. It lags behind the present by
// BURST tokens at most, so a pause earns that much and no more.

import type { Rate } from "../../words/quantity.ts";
import { type Job, type Stage, idle } from "./stage.ts";

export function createRate(rate: Rate, burst: number, text: string): Stage {
  const perToken = 1e9 / rate.perSecond;
  const credit = Math.max(0, burst - 1) * perToken;
  const bytes = rate.unit === "bytes";
  let free = Number.NEGATIVE_INFINITY;
  return {
    ...idle,
    text,
    enter(job: Job, now: number): number {
      const tokens = bytes ? job.sectors * 512 : 1;
      const start = Math.max(free, now - credit);
      free = start + tokens * perToken;
      // An IOPS token is spent at the start of its slot; bytes are through when the last one is.
      return Math.max(now, Math.ceil(bytes ? free - Math.min(tokens, burst) * perToken : start));
    },
  };
}
