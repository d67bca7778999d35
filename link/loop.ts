// One bounded iteration of a process's only loop: receive, run the core, transmit, reclaim, fire deadlines.
// The same function drives a core over raw sockets and under the virtual clock; what surrounds it
// (spinning, sleeping, Bun's own event loop) differs and stands elsewhere.

import type { FrameView, Link } from "./link.ts";

/** A core's end of one link. `visit` is made once, so that no frame costs a closure. */
export interface Port {
  readonly link: Link;
  readonly visit: (frame: FrameView) => void;
  /** The link released `count` buffers. */
  reclaimed(count: number, now: number): void;
}

/** A state machine without I/O of its own: it is told the time and sends through its ports' links. */
export interface Core {
  readonly ports: readonly Port[];
  /** Called at the start of each iteration, before any frame: what `visit` takes as the current time. */
  begin(now: number): void;
  /** Fires every deadline that is due at `now`, and sends what may be sent. */
  advance(now: number): void;
  /** When `advance` must next be called, ns; Infinity: only after a frame. */
  nextDeadline(): number;
}

/** Frames that one iteration takes from one link at most: what bounds the time to the next deadline. */
const BATCH = 64;

/** Runs one iteration at `now` (ns) and returns how many frames came in. */
export function iterate(core: Core, now: number): number {
  let frames = 0;
  core.begin(now);
  for (const port of core.ports) {
    frames += port.link.receive(port.visit, BATCH);
    const idle = port.link.reclaim();
    if (idle > 0) port.reclaimed(idle, now);
  }
  core.advance(now);
  for (const port of core.ports) port.link.flush();
  return frames;
}

/** The earliest time at which the core or one of its links has something to do. */
export function nextDeadline(core: Core): number {
  let deadline = core.nextDeadline();
  for (const port of core.ports) deadline = Math.min(deadline, port.link.nextDeadline());
  return deadline;
}

/** Whether a frame waits on one of the links, as far as they can tell. */
export function frameWaits(core: Core): boolean {
  for (const port of core.ports) if (port.link.waiting?.() === true) return true;
  return false;
}
