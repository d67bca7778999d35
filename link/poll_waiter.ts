// The real Waiter: the monotonic clock, and one epoll over the fds of many links and whatever else must be
// answered fast (NBD, control sockets), ended early by an eventfd or a signal.

import { yieldCpu } from "../sys/affinity.ts";
import { now } from "../sys/clock.ts";
import { createPoller, POLLIN, type Ready } from "../sys/poll.ts";
import type { Waiter } from "./waiter.ts";

/** The longest single wait, ns: a signal's handler runs only when control is back in Bun's own loop. */
const LONGEST_WAIT = 1e9;

export interface PollWaiter extends Waiter {
  /** Watches `fd`, for input unless `events` (POLL… bits of sys/poll.ts) says otherwise; `ready` runs within `wait`. */
  add(fd: number, ready?: Ready | null, events?: number): void;
  /** Like `add`, for what only ends a sleep: `ready` takes the readiness back, and is not looked for while the loop is busy. */
  wakeFor(fd: number, ready: Ready): void;
  remove(fd: number): void;
  /** Whether a signal ended the last wait. */
  readonly interrupted: boolean;
  /** Serves the descriptors that have a `ready`, without waiting; how many were ready. Free where there are none. */
  look(): number;
  /** Eight bytes of a number > 0 written here, from any thread, end a wait. */
  readonly wakeFd: number;
  close(): void;
}

export function createPollWaiter(): PollWaiter {
  const poller = createPoller();
  const served = new Set<number>();
  return {
    now,
    wait(deadline) {
      const at = now();
      if (deadline > at) poller.wait(Math.min(deadline, at + LONGEST_WAIT));
      else poller.serve();
    },
    wake: poller.wake,
    yield: yieldCpu,
    look: () => (served.size === 0 ? 0 : poller.serve()),
    add(fd, ready = null, events = POLLIN) {
      poller.add(fd, ready, events);
      if (ready === null) served.delete(fd);
      else served.add(fd);
    },
    wakeFor(fd, ready) {
      poller.add(fd, ready, POLLIN);
    },
    remove(fd) {
      served.delete(fd);
      poller.remove(fd);
    },
    get interrupted() {
      return poller.interrupted;
    },
    wakeFd: poller.wakeFd,
    close: poller.close,
  };
}
