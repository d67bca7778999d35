// `duplicate:P`: with probability P a command is executed once and answered twice.

import type { Random } from "../../words/random.ts";
import { type Stage, idle } from "./stage.ts";

export function createDuplicate(probability: number, random: Random, text: string): Stage {
  return {
    ...idle,
    text,
    enter(job, now) {
      if (random.float() < probability) job.copies++;
      return now;
    },
  };
}
