// ppoll over a set of descriptors that comes and goes, with nanosecond grain, and an eventfd that
// ends a wait from outside (another thread, a signal handler of Bun's loop).
//
// struct pollfd: fd i32 @0, events u16 @4, revents u16 @6. Slot 0 is the eventfd; a removed slot is
// filled by the last, so that the kernel walks no holes.

import { EINTR, errno, refused } from "./errno.ts";
import { libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";

const c = libc({
  prctl: { args: ["i32", "u32"], returns: "i32" },
  ppoll: { args: ["ptr", "u32", "ptr", "ptr"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

export const POLLIN = 0x01;
export const POLLOUT = 0x04;
export const POLLERR = 0x08;
export const POLLHUP = 0x10;

const EFD_CLOEXEC = 0x80000;
const EFD_NONBLOCK = 0x800;
const PR_SET_TIMERSLACK = 29;
const ENTRY = 8;
/** The first page: timespec @0, the eventfd's counter @16. The pollfds have memory of their own. */
const TIMEOUT = 0;
const COUNTER = 16;
const SECOND = 1e9;

/** Called with the POLL… bits that are set. */
export type Ready = (events: number) => void;

export interface Poller {
  /** Watches `fd` for `events` (POLLIN unless told); `ready` runs within `poll`. Again for the same fd: replaced. */
  add(fd: number, ready?: Ready | null, events?: number): void;
  remove(fd: number): void;
  /**
   * Waits at most `timeout` ns (0: only looks). Returns how many descriptors were ready, the wake-up
   * among them; 0 after the time has passed or a signal has come.
   */
  poll(timeout: number): number;
  /** Looks without waiting; returns how many `ready` functions ran, the wake-up not counted. */
  serve(): number;
  /** Ends the present or the next `poll`; may be called from another thread through `wakeFd`. */
  wake(): void;
  /** Writing eight bytes with a number > 0 to it wakes the poller. */
  readonly wakeFd: number;
  close(): void;
}

export function createPoller(): Poller {
  // Sleeps of this thread end within a microsecond of their time, not within the default 50 µs.
  c.prctl(PR_SET_TIMERSLACK, 1);
  const scratch = mapMemory(32);
  const wakeFd = c.eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wakeFd < 0) throw refused("can't make an eventfd");
  let capacity = 64;
  let entries: Mapping = mapMemory(capacity * ENTRY);
  let count = 0;
  /** How many `ready` functions the last `poll` ran. */
  let served = 0;
  const callbacks: (Ready | null)[] = [];
  const slots = new Map<number, number>();
  const timeoutAddress = pointer(scratch.address + TIMEOUT);
  const counterAddress = pointer(scratch.address + COUNTER);

  function add(fd: number, ready: Ready | null = null, events = POLLIN): void {
    let slot = slots.get(fd);
    if (slot === undefined) {
      if (count === capacity) grow();
      slot = count++;
      slots.set(fd, slot);
    }
    entries.view.setInt32(slot * ENTRY, fd, true);
    entries.view.setUint16(slot * ENTRY + 4, events, true);
    entries.view.setUint16(slot * ENTRY + 6, 0, true);
    callbacks[slot] = ready;
  }

  function grow(): void {
    const larger = mapMemory(capacity * 2 * ENTRY);
    larger.bytes.set(entries.bytes);
    entries.unmap();
    entries = larger;
    capacity *= 2;
  }

  function remove(fd: number): void {
    const slot = slots.get(fd);
    if (slot === undefined) return;
    slots.delete(fd);
    const last = --count;
    if (slot !== last) {
      entries.bytes.copyWithin(slot * ENTRY, last * ENTRY, (last + 1) * ENTRY);
      callbacks[slot] = callbacks[last] ?? null;
      slots.set(entries.view.getInt32(slot * ENTRY, true), slot);
    }
    callbacks.length = count;
  }

  function poll(timeout: number): number {
    const seconds = Math.floor(timeout / SECOND);
    scratch.view.setUint32(TIMEOUT, seconds, true);
    scratch.view.setUint32(TIMEOUT + 8, timeout - seconds * SECOND, true);
    served = 0;
    const ready = c.ppoll(pointer(entries.address), count, timeoutAddress, null);
    if (ready > 0) served = dispatch();
    else if (ready < 0 && errno() !== EINTR) throw refused("ppoll failed");
    return Math.max(0, ready);
  }

  /** From the last slot down: a callback that removes its own descriptor moves only slots already seen. */
  function dispatch(): number {
    let called = 0;
    for (let slot = count - 1; slot >= 0; slot--) {
      if (slot >= count) continue;
      const events = entries.view.getUint16(slot * ENTRY + 6, true);
      if (events === 0) continue;
      // Cleared, since a slot that is moved by `remove` must not fire a second time.
      entries.view.setUint16(slot * ENTRY + 6, 0, true);
      const ready = callbacks[slot] ?? null;
      if (ready === null) continue;
      if (ready !== drain) called++;
      ready(events);
    }
    return called;
  }

  function drain(): void {
    c.read(wakeFd, counterAddress, 8);
  }

  add(wakeFd, drain);
  return {
    add,
    remove,
    poll,
    serve() {
      poll(0);
      return served;
    },
    wakeFd,
    wake() {
      scratch.view.setUint32(COUNTER, 1, true);
      scratch.view.setUint32(COUNTER + 4, 0, true);
      c.write(wakeFd, counterAddress, 8);
    },
    close() {
      c.close(wakeFd);
      entries.unmap();
      scratch.unmap();
    },
  };
}
