// `lanes:N`: at most N commands are past this stage at a time; the rest wait in the order in which
// they came. With `delay:D` behind it the target saturates at N / D commands a second.

import { JobQueue } from "./queue.ts";
import { HELD, type Job, type Stage } from "./stage.ts";

export function createLanes(lanes: number): Stage {
  return new Lanes(lanes);
}

class Lanes implements Stage {
  readonly text: string;
  resume: (job: Job, at: number) => void = () => {};
  private readonly lanes: number;
  private busy = 0;
  private readonly waiting = new JobQueue();

  constructor(lanes: number) {
    this.text = `lanes:${lanes}`;
    this.lanes = lanes;
  }

  enter(job: Job, now: number): number {
    if (this.busy < this.lanes) {
      this.busy++;
      return now;
    }
    job.heldAt = now;
    this.waiting.push(job);
    return HELD;
  }

  /** The lane goes to the next at the time when this one was due, not when we found out: no drift. */
  leave(_job: Job, now: number): void {
    const next = this.waiting.shift();
    if (next === null) this.busy--;
    else this.resume(next, Math.max(now, next.heldAt));
  }

  release(): number {
    return 0;
  }
}
