// An initiator, what drives it, and perhaps a target in the same process, as one core for one loop.

import type { Core, Port } from "../../link/loop.ts";
import type { Waiter } from "../../link/waiter.ts";

/** What submits commands by the clock. */
export interface Driver {
  advance(now: number): void;
  /** ns; Infinity: not by time. */
  nextDeadline(): number;
}

export interface OneLoop {
  /** The target, over a memory link. */
  readonly beside: Core | undefined;
  readonly driver?: Driver | undefined;
  readonly clock: Pick<Waiter, "now">;
}

export function inOneLoop(initiator: Core, { beside, driver, clock }: OneLoop): Core {
  if (beside === undefined && driver === undefined) return initiator;
  const ports: Port[] = [...(beside?.ports ?? []), ...initiator.ports];
  return {
    ports,
    begin(now) {
      beside?.begin(now);
      initiator.begin(now);
    },
    advance(begun) {
      beside?.advance(begun);
      // The answers of this slice may have come after it began: what is submitted now is not older.
      const now = clock.now();
      initiator.begin(now);
      driver?.advance(now);
      // Deadlines are judged by the time before the links were looked at: if this thread lost its CPU since
      // then, answers that came in time lie there unseen.
      initiator.advance(begun);
    },
    nextDeadline() {
      let deadline = initiator.nextDeadline();
      if (driver !== undefined) deadline = Math.min(driver.nextDeadline(), deadline);
      return beside === undefined ? deadline : Math.min(deadline, beside.nextDeadline());
    },
  };
}
