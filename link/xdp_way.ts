// When frames may leave an interface by AF_XDP, and the socket for it. That way passes by the interface's queue
// discipline (netem, tbf, clsact) and by the captures on this host, so `auto` takes it while there are neither:
//
//   closed ─ clear ─▶ open ─ a discipline, a capture ─▶ kept, not used ─ clear ─▶ used
//     ▲                └ broken ─┐
//     └── a second later ◀───────┘
//
// Looked at ten times a second and after each longer silence: a capture comes without a message. A
// discipline comes with one, and closes the way at once. Hooks of nftables and BPF programs that are attached without
// clsact are not seen. Where nothing is clear no socket is opened: others may want the queue.

import { openCaptures } from "../sys/captures.ts";
import { hasQueueDiscipline } from "../sys/queue_discipline.ts";
import { openXdpSender, type XdpSender } from "../sys/xdp_socket.ts";

/** How long a capture may run before it sees all frames, ns. */
const LOOK_EVERY = 100e6;
/** How long a socket that broke is not replaced, ns: to close one waits for the kernel's other CPUs. */
const REST = 1e9;
/** A socket that was closed gives its queue back a moment later, by a worker of the kernel's; 1 ms between two. */
const TRIES = 5;

export interface XdpWay {
  /** To send by now; null: not now. */
  readonly sender: XdpSender | null;
  /** At `now`, ns; `changed`: something about some interface may have. */
  look(now: number, changed: boolean): void;
  /** `sender` is broken. */
  drop(): void;
  close(): void;
}

/** Out of interface `index` while it is clear, as of now and of the last `look`. */
export function watchXdpWay(index: number, sendBufferBytes: number): XdpWay {
  const captures = openCaptures(index);
  let open: XdpSender | null = null;
  let hasQueue = true;
  let stale = true;
  let hasBroken = false;
  let nextLook = Number.NEGATIVE_INFINITY;
  const way = {
    sender: null as XdpSender | null,
    look(now: number, changed: boolean) {
      if (changed) {
        stale = true;
        way.sender = null;
      }
      if (now < nextLook) return;
      nextLook = now + (hasBroken ? REST : LOOK_EVERY);
      if (!hasBroken) see();
      hasBroken = false;
    },
    drop() {
      open?.close();
      open = way.sender = null;
      hasBroken = true;
    },
    close() {
      way.drop();
      captures?.close();
    },
  };

  function see(): void {
    if (stale) hasQueue = hasQueueDiscipline(index);
    stale = false;
    const isClear = !hasQueue && captures !== null && !captures.any();
    if (isClear) open ??= openXdpSender(index, sendBufferBytes);
    way.sender = isClear ? open : null;
  }

  // Opened with the link: what is opened later would look like a leak.
  see();
  return way;
}

/** Out of interface `index` whatever stands there; null: no such socket. */
export function openXdpWay(index: number, sendBufferBytes: number): XdpWay | null {
  let first = openXdpSender(index, sendBufferBytes);
  for (let tries = 1; first === null && tries < TRIES; tries++) {
    Bun.sleepSync(1);
    first = openXdpSender(index, sendBufferBytes);
  }
  if (first === null) return null;
  let hasBroken = false;
  let nextTry = Number.NEGATIVE_INFINITY;
  const way = {
    sender: first as XdpSender | null,
    look(now: number) {
      if (way.sender !== null || now < nextTry) return;
      nextTry = now + REST;
      if (!hasBroken) way.sender = openXdpSender(index, sendBufferBytes);
      hasBroken = false;
    },
    drop() {
      way.sender?.close();
      way.sender = null;
      hasBroken = true;
    },
    close() {
      way.drop();
    },
  };
  return way;
}
