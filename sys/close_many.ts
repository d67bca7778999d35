// Closes many descriptors whose closing is slow, all at once. A packet socket with a ring waits for two
// RCU grace periods as it closes, 25 ms measured, one socket after the other: 256 of them six seconds,
// also when a process merely ends. Waiting side by side they share the grace periods.
//
// Each thread runs the C library's own close(2), whose one argument is the descriptor, and nothing of
// the JavaScript engine's.

import type { Pointer } from "bun:ffi";

import { libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  close: { args: ["i32"], returns: "i32" },
  pthread_create: { args: ["ptr", "ptr", "ptr", "ptr"], returns: "i32" },
  pthread_join: { args: ["ptr", "ptr"], returns: "i32" },
});

/** Threads at one time. */
const ABREAST = 64;

/** Closes `fds`; back when all are closed. */
export function closeMany(fds: readonly number[]): void {
  // Each bound function carries its native address; the types don't say so.
  const { ptr: routine } = c.close as unknown as { readonly ptr: Pointer };
  const threads = mapMemory(ABREAST * 8);
  for (let from = 0; from < fds.length; from += ABREAST) {
    const group = fds.slice(from, from + ABREAST);
    const started = group.filter((fd, slot) => {
      const handle = pointer(threads.address + slot * 8);
      if (c.pthread_create(handle, null, routine, pointer(fd)) === 0) return true;
      c.close(fd);
      threads.view.setBigUint64(slot * 8, 0n, true);
      return false;
    });
    if (started.length === 0) continue;
    for (let slot = 0; slot < group.length; slot++) {
      const handle = Number(threads.view.getBigUint64(slot * 8, true));
      if (handle !== 0) c.pthread_join(pointer(handle), null);
    }
  }
  threads.unmap();
}
