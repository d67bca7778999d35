// `stall:EVERY/FOR`: each EVERY the target stands still for FOR: a garbage collection in an SSD, a
// firmware that thinks. Commands that come in then go on when it is over. Counted from the first command.

import { type Stage, idle } from "./stage.ts";

export function createStall(every: number, length: number, text: string): Stage {
  let start = Number.NaN;
  return {
    ...idle,
    text,
    enter(_job, now) {
      if (Number.isNaN(start)) start = now;
      const since = (now - start) % every;
      // The pause ends a period, so that the first command is served.
      return since >= every - length ? now - since + every : now;
    },
  };
}
