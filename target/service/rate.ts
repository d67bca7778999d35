// `rate:1000iops/BURST` or `rate:100m/BURST`: a token bucket. BURST is how many commands (or bytes) may
// go at once after a pause; default one command (or one 128 KiB).
//
// The bucket is a virtual clock: `empty` is the time at which it held nothing. It lies BURST tokens back
// at most, so a pause earns that much and no more. A command goes when its tokens are there, or when the
// bucket is full where it wants more than that.

import type { Rate } from "../../words/quantity.ts";
import { type Job, type Stage, idle } from "./stage.ts";

export function createRate(rate: Rate, burst: number, text: string): Stage {
  const perToken = 1e9 / rate.perSecond;
  const bytes = rate.unit === "bytes";
  let empty = Number.NEGATIVE_INFINITY;
  return {
    ...idle,
    text,
    enter(job: Job, now: number): number {
      const tokens = bytes ? job.sectors * 512 : 1;
      empty = Math.max(empty, now - burst * perToken);
      const at = Math.max(now, Math.ceil(empty + Math.min(tokens, burst) * perToken));
      empty += tokens * perToken;
      return at;
    },
  };
}
