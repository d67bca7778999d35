// The link of one interface of a target: what a plan asks of it, with its faults, and next to the wire the capture, which
// shows what the faults have left.

import { createCapture } from "../../link/capture.ts";
import type { CaptureFile } from "../../link/capture_file.ts";
import type { FaultPlan } from "../../link/fault_plan.ts";
import { createFaults } from "../../link/faults.ts";
import type { Link } from "../../link/link.ts";
import { openPacketLink } from "../../link/packet.ts";
import type { Waiter } from "../../link/waiter.ts";
import { type Wrapper, wrapLink } from "../../link/wrap.ts";
import { epochSeconds } from "../../sys/clock.ts";
import type { Random } from "../../words/random.ts";
import type { TargetPlan } from "../config/plan.ts";
import { REQUESTS } from "./request_filter.ts";

export interface LinkOptions {
  readonly plan: TargetPlan;
  /** null: none. */
  readonly faults: FaultPlan | null;
  /** Shared by all links; null: none. */
  readonly capture: CaptureFile | null;
  readonly waiter: Waiter;
  readonly random: Random;
  readonly say: (sentence: string) => void;
}

export function openLink(name: string, options: LinkOptions): Link {
  const { plan, faults, capture, waiter, random, say } = options;
  // P12: what an initiator may send at once must find room at once.
  const most = Math.max(0, ...plan.exports.map(({ bufferCount }) => bufferCount));
  const link = openPacketLink({
    interface: name,
    ringFrames: most,
    // Another interface of that name is another port (interfaces.ts).
    follows: false,
    onNotice: say,
    xdp: plan.xdp,
    // A capture shows every frame.
    ...(capture === null ? { filter: REQUESTS } : {}),
  });
  for (const warning of link.granted.warnings) say(warning);
  const wrappers: Wrapper[] = [];
  if (faults !== null) {
    wrappers.push((inner) =>
      createFaults(inner, faults, { clock: waiter, random: random.fork(`faults:${name}`) }),
    );
  }
  if (capture !== null) {
    const epoch = epochSeconds();
    wrappers.push((inner) =>
      createCapture(inner, {
        clock: waiter,
        sink: capture.sink,
        header: false,
        epochSeconds: epoch,
      }),
    );
  }
  return wrapLink(link, wrappers);
}
