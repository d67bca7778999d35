// `hang:P`: with probability P a command is taken and never answered, until the target is told to release it.

import type { Random } from "../../words/random.ts";
import { JobQueue } from "./queue.ts";
import { HELD, type Job, type Stage } from "./stage.ts";

export function createHang(probability: number, random: Random, text: string): Stage {
  return new Hang(probability, random, text);
}

class Hang implements Stage {
  readonly text: string;
  resume: (job: Job, at: number) => void = () => {};
  private readonly probability: number;
  private readonly random: Random;
  private readonly hanging = new JobQueue();

  constructor(probability: number, random: Random, text: string) {
    this.text = text;
    this.probability = probability;
    this.random = random;
  }

  enter(job: Job, now: number): number {
    if (this.random.float() >= this.probability) return now;
    job.heldAt = now;
    this.hanging.push(job);
    return HELD;
  }

  leave(): void {}

  release(now: number): number {
    const count = this.hanging.length;
    for (let job = this.hanging.shift(); job !== null; job = this.hanging.shift()) {
      this.resume(job, now);
    }
    return count;
  }
}
