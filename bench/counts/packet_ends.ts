// Both ends of a lab's cable in one process, over raw sockets: each frame is there before the other
// side looks for it, so that no look is in vain. Time is what the scene says.

import type { Link } from "../../link/link.ts";
import { openRawLink, type RawLinkOptions } from "../../initiator/session/raw_link.ts";
import type { Ends, SetClock } from "./counted_scene.ts";

/** A frame crosses a cable in microseconds, however busy the machine; ns. */
const PATIENCE = 30e9;
const GLANCES = 1000;

/** The near end by these options, the far one by a plain socket. */
export function packetEnds(options: RawLinkOptions, clock: SetClock): Ends {
  const [a = "a0", b = "b0"] = [process.env["AOE_LAB_A"], process.env["AOE_LAB_B"]];
  const say = (sentence: string): void => {
    process.stderr.write(`${sentence}\n`);
  };
  const near = openRawLink(a, options, say);
  const far = openRawLink(b, { link: "packet", xdp: "off" }, say);
  return {
    near,
    far,
    now: () => clock.now(),
    tick: (ns) => clock.set(clock.now() + ns),
    arrive(from, to) {
      if (from.counters.transmitted > to.counters.received) wait(to);
    },
    close() {
      near.close();
      far.close();
    },
  };
}

function wait(link: Link): void {
  const until = Bun.nanoseconds() + PATIENCE;
  for (let glances = 0; link.waiting?.() !== true; glances++) {
    if (glances % GLANCES !== GLANCES - 1) continue;
    Bun.sleepSync(1);
    if (Bun.nanoseconds() > until) throw new Error("invariant: a frame that was sent arrives");
  }
}
