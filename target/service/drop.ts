// `drop:P`: with probability P a command is taken, not executed and never answered.

import type { Random } from "../../words/random.ts";
import { DROPPED, type Stage, idle } from "./stage.ts";

export function createDrop(probability: number, random: Random, text: string): Stage {
  return {
    ...idle,
    text,
    enter: (_job, now) => (random.float() < probability ? DROPPED : now),
  };
}
