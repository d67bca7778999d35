// What stands between a session's core and its interfaces, as the options say it.

import { createCapture } from "../../link/capture.ts";
import type { FaultPlan } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { PollWaiter } from "../../link/poll_waiter.ts";
import { createReclaim } from "../../link/reclaim.ts";
import type { ReclaimModel } from "../../link/reclaim_model.ts";
import type { Wrapper } from "../../link/wrap.ts";
import { createRandom } from "../../words/random.ts";

/** One wrapper of each link: the first stands nearest the core. */
export type SessionWrapper =
  | { readonly kind: "reclaim"; readonly model: ReclaimModel }
  | { readonly kind: "faults"; readonly plan: FaultPlan }
  /** `sink`: of a file that all links share (link/capture_file.ts). */
  | { readonly kind: "capture"; readonly sink: (bytes: Uint8Array) => void };

export interface WrapperOptions {
  readonly wrappers: readonly SessionWrapper[];
  /** Of faults. */
  readonly seed: number;
  /** Milliseconds since 1970: what a capture's time stamps begin with. */
  readonly wallClock: () => number;
}

/** The same options for every link, each with random generators of its own. */
export function wrappersOf(options: WrapperOptions, index: number, clock: PollWaiter): Wrapper[] {
  const { seed, wallClock } = options;
  const epochSeconds = wallClock() / 1e3 - clock.now() / 1e9;
  return options.wrappers.map((wrapper): Wrapper => {
    if (wrapper.kind === "reclaim") {
      return (inner) => createReclaim(inner, wrapper.model, clock);
    }
    if (wrapper.kind === "faults") {
      const random = createRandom(seed).fork(`faults ${index}`);
      return (inner) => createFaults(inner, wrapper.plan, { clock, random });
    }
    const { sink } = wrapper;
    return (inner) => createCapture(inner, { clock, sink, header: false, epochSeconds });
  });
}
