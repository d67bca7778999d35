// What the heap of deadlines costs for one command, with so many others waiting in it.

import { createDeadlines, type Deadlines } from "../../link/deadlines.ts";
import { createRandom } from "../../words/random.ts";
import type { MicroCase } from "./micro_case.ts";

const WAITING = [16, 1024, 65_536] as const;
/** Of service times drawn beforehand; a power of two. */
const DRAWN = 4096;
const LONGEST = 1e6;

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
    name: `deadlines cancel ${waiting}`,
    about: `a retransmit's time set and taken away, ${waiting} waiting`,
    make() {
      const { heap } = full(waiting);
      // Later than all others, as an RTO is: the commonest end of a deadline is that the answer came.
      return (call: number) => {
        heap.set(waiting, 2 * LONGEST + call);
        heap.clear(waiting);
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
