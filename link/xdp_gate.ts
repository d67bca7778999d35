// When frames may leave an interface by AF_XDP, and the socket for it. AF_XDP bypasses the interface's queue discipline
// (netem, tbf, clsact) and the captures on this host, so `auto` uses it while there are neither:
//
//   closed ─ clear ─▶ open ─ a discipline, a capture ─▶ kept, not used ─ clear ─▶ used
//     ▲                └ broken ─┐
//     └── a second later ◀───────┘
//
// Looked at ten times a second and after each longer silence: a capture comes without a message. A
// discipline comes with one, and closes the gate at once. Hooks of nftables and BPF programs that are attached without
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

export interface XdpGate {
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

/** What a gate depends on. */
export interface XdpDependencies {
  open(): XdpSender | null;
  /** `changed`: something about some interface may have since it was last asked. */
  isClear(changed: boolean): boolean;
  move(index: number): void;
  close(): void;
}

/** Open at once where it is clear: a socket that is opened later would look like a leak. */
export function createXdpGate(dependencies: XdpDependencies): XdpGate {
  let open: XdpSender | null = null;
  let stale = true;
  let hasBroken = false;
  let nextLook = Number.NEGATIVE_INFINITY;
  const gate = {
    sender: null as XdpSender | null,
    look(now: number, changed: boolean) {
      if (changed) {
        stale = true;
        gate.sender = null;
      }
      if (now < nextLook) return;
      nextLook = now + (hasBroken ? REST : LOOK_EVERY);
      if (!hasBroken) see();
      hasBroken = false;
    },
    drop() {
      open?.close();
      open = gate.sender = null;
      hasBroken = true;
    },
    move(index: number) {
      gate.drop();
      dependencies.move(index);
      stale = true;
    },
    close() {
      gate.drop();
      dependencies.close();
    },
  };

  function see(): void {
    const isClear = dependencies.isClear(stale);
    stale = false;
    if (isClear) open ??= dependencies.open();
    gate.sender = isClear ? open : null;
  }

  see();
  return gate;
}

/** Out of interface `index` while nothing there would miss its frames. */
export function watchXdpGate(index: number, sendBufferBytes: number): XdpGate {
  const captures = openCaptures();
  let out = index;
  let hasQueue = true;
  return createXdpGate({
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
export function openXdpGate(index: number, sendBufferBytes: number): XdpGate {
  let tries = TRIES;
  let out = index;
  const gate = createXdpGate({
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
  const { look } = gate;
  // A change closes nothing here.
  return Object.assign(gate, { look: (now: number) => look(now, false) });
}
