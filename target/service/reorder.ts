// `reorder:P/D`: with probability P a command steps aside for D, so that those behind it overtake.

import type { Random } from "../../words/random.ts";
import { type Stage, idle } from "./stage.ts";

export function createReorder(
  probability: number,
  by: number,
  random: Random,
  text: string,
): Stage {
  return {
    ...idle,
    text,
    enter: (_job, now) => (random.float() < probability ? now + by : now),
  };
}
