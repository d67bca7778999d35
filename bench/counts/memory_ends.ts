// Both ends of a memory link under the virtual clock.

import { createMemoryPair } from "../../link/memory.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import { createVirtualClock } from "../../link/virtual_clock.ts";
import type { Ends } from "./counted_scene.ts";

/** `reclaim`: how late the near end gives its buffers back. */
export function memoryEnds(reclaim: string, mtu: number): Ends {
  const clock = createVirtualClock(1e9);
  const [near, far] = createMemoryPair({ clock, mtu });
  return {
    near: createReclaim(near, parseReclaim(reclaim, "reclaim"), clock),
    far,
    now: () => clock.now(),
    tick: (ns) => clock.wait(clock.now() + ns),
    arrive() {},
    close() {
      near.close();
      far.close();
    },
  };
}
