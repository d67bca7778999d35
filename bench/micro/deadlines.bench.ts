// What the heap of deadlines costs for one command, with so many others waiting in it.

import { createDeadlines, type Deadlines } from "../../link/deadlines.ts";
import { createRandom } from "../../words/random.ts";
import type { MicroCase } from "./micro_case.ts";

const WAITING = [16, 1024, 65_536] as const;
/** Of service times drawn beforehand; a power of two. */
const DRAWN = 4096;
const LONGEST = 1e6;
/** ns from one frame to the next, and until one goes again: none of 65,536 ever does. */
const APART = 1e3;
const RTO = 100e6;

export const DEADLINE_CASES: readonly MicroCase[] = WAITING.flatMap((waiting) => [
  {
    name: `deadlines serve ${waiting}`,
    about: `a service time set and fired, ${waiting} waiting`,
    make() {
      const { heap, times } = full(waiting);
      let now = 0;
      return (call: number) => {
        now = heap.next();
        heap.set(heap.pop(now), now + (times[call & (DRAWN - 1)] as number));
      };
    },
  },
  {
    name: `deadlines frame ${waiting}`,
    about: `a frame's life: the oldest of ${waiting} retransmit's times taken away, the next one's set, none due`,
    make() {
      const heap = createDeadlines(waiting);
      let now = 0;
      let oldest = 0;
      for (let handle = 0; handle < waiting; handle++) {
        now += APART;
        heap.set(handle, now + RTO);
      }
      // The commonest end of a deadline is that the answer came.
      return () => {
        now += APART;
        heap.clear(oldest);
        heap.set(oldest, now + RTO);
        if (heap.pop(now) >= 0) throw new Error("invariant: every answer came in time");
        oldest = oldest + 1 === waiting ? 0 : oldest + 1;
      };
    },
  },
]);

function full(waiting: number): { heap: Deadlines; times: Float64Array } {
  const random = createRandom(1);
  const times = Float64Array.from({ length: DRAWN }, () => 1 + random.below(LONGEST));
  const heap = createDeadlines(waiting + 1);
  for (let handle = 0; handle < waiting; handle++) {
    heap.set(handle, times[handle & (DRAWN - 1)] as number);
  }
  return { heap, times };
}
