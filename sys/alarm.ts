// A timer of the kernel's that is left armed when nobody waits for it any more: to set one for each sleep and take it
// back after costs some 3 µs on a virtual machine (poll.ts has the measurement).
//
// struct itimerspec: the interval (none) @0, then when it rings @16, each in seconds and nanoseconds of 64 bits. The
// number of rings, which a read brings, @32.

import { allOrNothing } from "./all_or_nothing.ts";
import { refused } from "./errno.ts";
import { libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  timerfd_create: { args: ["i32", "i32"], returns: "i32" },
  timerfd_settime: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" },
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0x80000;
const TFD_NONBLOCK = 0x800;
const TFD_TIMER_ABSTIME = 1;
const SECONDS = 16;
const NANOSECONDS = 24;
const RINGS = 32;
const SECOND = 1e9;

export interface Alarm {
  /** Readable once it has rung. */
  readonly fd: number;
  /** When it will ring, ns of sys/clock.ts; Infinity: not before it is set. */
  readonly at: number;
  /** It rings at `at`, ns (at once, where that has passed), and at no other time. */
  set(at: number): void;
  /** Takes its ring back; whether it had rung. */
  take(): boolean;
  close(): void;
}

export function createAlarm(): Alarm {
  return allOrNothing(open);
}

function open(undo: (giveBack: () => void) => void): Alarm {
  const memory = mapMemory(RINGS + 8);
  undo(() => memory.unmap());
  const fd = c.timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (fd < 0) throw refused("can't make a timer");
  const spec = pointer(memory.address);
  const rings = pointer(memory.address + RINGS);
  let armed = Number.POSITIVE_INFINITY;
  return {
    fd,
    get at() {
      return armed;
    },
    set(at) {
      // Zero would stop it.
      const time = Math.max(1, Math.ceil(at));
      const seconds = Math.floor(time / SECOND);
      memory.view.setUint32(SECONDS, seconds, true);
      memory.view.setUint32(NANOSECONDS, time - seconds * SECOND, true);
      if (c.timerfd_settime(fd, TFD_TIMER_ABSTIME, spec, null) < 0) {
        throw refused("can't set a timer");
      }
      armed = at;
    },
    take() {
      if (c.read(fd, rings, 8) < 0) return false;
      armed = Number.POSITIVE_INFINITY;
      return true;
    },
    close() {
      c.close(fd);
      memory.unmap();
    },
  };
}
