// A first-in, first-out queue of jobs linked through the jobs themselves: no allocation, any length.

import type { Job } from "./stage.ts";

export class JobQueue {
  length = 0;
  first: Job | null = null;
  private last: Job | null = null;

  push(job: Job): void {
    job.next = null;
    if (this.last === null) this.first = job;
    else this.last.next = job;
    this.last = job;
    this.length++;
  }

  shift(): Job | null {
    const job = this.first;
    if (job === null) return null;
    this.first = job.next;
    if (this.first === null) this.last = null;
    job.next = null;
    this.length--;
    return job;
  }
}
