// `delay:DISTRIBUTION`: every command takes so much longer, each by itself.

import type { Distribution } from "../../words/distribution.ts";
import type { Random } from "../../words/random.ts";
import { type Stage, idle } from "./stage.ts";

export function createDelay(distribution: Distribution, random: Random): Stage {
  return {
    ...idle,
    text: `delay:${distribution.text}`,
    enter: (_job, now) => now + distribution.sample(random),
  };
}
