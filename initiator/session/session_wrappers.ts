// What stands between a session's core and its interfaces, as the options say it.

import { createCapture } from "../../link/capture.ts";
import { parseFaults } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { PollWaiter } from "../../link/poll_waiter.ts";
import { createReclaim } from "../../link/reclaim.ts";
import { parseReclaim } from "../../link/reclaim_model.ts";
import type { Wrapper } from "../../link/wrap.ts";
import { createRandom } from "../../words/random.ts";

/** One wrapper of each link, as its option says it: the first stands nearest the core. */
export type WrapperText =
  | { readonly kind: "reclaim"; readonly text: string }
  | { readonly kind: "faults"; readonly text: string }
  /** `sink`: of a file that all links share (link/capture_file.ts). */
  | { readonly kind: "capture"; readonly sink: (bytes: Uint8Array) => void };

export interface WrapperOptions {
  readonly wrappers: readonly WrapperText[];
  /** Of faults. */
  readonly seed: number;
  /** Milliseconds since 1970: what a capture's time stamps begin with. */
  readonly wallClock: () => number;
}

/** The same options for every link, each with models and dice of its own. */
export function wrappersOf(options: WrapperOptions, index: number, clock: PollWaiter): Wrapper[] {
  const { seed, wallClock } = options;
  const epochSeconds = wallClock() / 1e3 - clock.now() / 1e9;
  return options.wrappers.map((wrapper): Wrapper => {
    if (wrapper.kind === "reclaim") {
      return (inner) => createReclaim(inner, parseReclaim(wrapper.text, "--reclaim"), clock);
    }
    if (wrapper.kind === "faults") {
      const random = createRandom(seed).fork(`faults ${index}`);
      const plan = parseFaults(wrapper.text, "--faults");
      return (inner) => createFaults(inner, plan, { clock, random });
    }
    const { sink } = wrapper;
    return (inner) => createCapture(inner, { clock, sink, header: false, epochSeconds });
  });
}
