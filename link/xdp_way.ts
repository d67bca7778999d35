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
export const LOOK_EVERY = 100e6;
/** How long a socket that broke is not replaced, ns: to close one waits for the kernel's other CPUs. */
export const REST = 1e9;
/** A socket that was closed gives its queue back a moment later, by a worker of the kernel's; 1 ms between two. */
const TRIES = 5;

export interface XdpWay {
  /** To send by now; null: not now. */
  readonly sender: XdpSender | null;
  /** At `now`, ns; `changed`: something about some interface may have. */
  look(now: number, changed: boolean): void;
  /** `sender` is broken. */
  drop(): void;
  /** From now on out of interface `index`. */
  move(index: number): void;
  close(): void;
}

/** What a way depends on. */
export interface XdpGround {
  open(): XdpSender | null;
  /** `changed`: something about some interface may have since it was last asked. */
  isClear(changed: boolean): boolean;
  move(index: number): void;
  close(): void;
}

/** Open at once where it is clear: a socket that is opened later would look like a leak. */
export function createXdpWay(ground: XdpGround): XdpWay {
  let open: XdpSender | null = null;
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
    move(index: number) {
      way.drop();
      ground.move(index);
      stale = true;
    },
    close() {
      way.drop();
      ground.close();
    },
  };

  function see(): void {
    const isClear = ground.isClear(stale);
    stale = false;
    if (isClear) open ??= ground.open();
    way.sender = isClear ? open : null;
  }

  see();
  return way;
}

/** Out of interface `index` while nothing there would miss its frames. */
export function watchXdpWay(index: number, sendBufferBytes: number): XdpWay {
  const captures = openCaptures();
  let out = index;
  let hasQueue = true;
  return createXdpWay({
    open: () => openXdpSender(out, sendBufferBytes),
    isClear(changed) {
      if (changed) hasQueue = hasQueueDiscipline(out);
      return !hasQueue && captures !== null && !captures.any(out);
    },
    move(to) {
      out = to;
    },
    close() {
      captures?.close();
    },
  });
}

/** Out of interface `index` whatever stands there; without a `sender` at first: there is no such socket now. */
export function openXdpWay(index: number, sendBufferBytes: number): XdpWay {
  let tries = TRIES;
  let out = index;
  const way = createXdpWay({
    open() {
      let sender = openXdpSender(out, sendBufferBytes);
      // Only before the link is in use does anybody wait.
      for (; sender === null && tries > 1; tries--) {
        Bun.sleepSync(1);
        sender = openXdpSender(out, sendBufferBytes);
      }
      tries = 1;
      return sender;
    },
    isClear: () => true,
    move(to) {
      out = to;
    },
    close() {},
  });
  const { look } = way;
  // A change closes nothing here.
  return Object.assign(way, { look: (now: number) => look(now, false) });
}
