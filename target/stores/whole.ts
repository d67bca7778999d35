// A transfer between memory and a file, all of it: the kernel may move a part, and then it goes on from there, so that
// a failure names the first bad sector. What goes on beside the loop does the same (file_io.ts).

import { EIO } from "../../sys/errno.ts";
import type { Bytes } from "../../sys/file.ts";
import { DONE } from "./store.ts";

/** `readAt` or `writeAt` of sys/file.ts. */
type Move = (fd: number, memory: Bytes, at: number, length: number, position: number) => number;

/** Bytes that the last transfer moved. */
export let moved = 0;

/** DONE or an errno. */
export function moveWhole(
  move: Move,
  fd: number,
  memory: Bytes,
  at: number,
  length: number,
  position: number,
): number {
  moved = 0;
  while (moved < length) {
    const part = move(fd, memory, at + moved, length - moved, position + moved);
    // Nothing where there was something: the file was cut under our feet.
    if (part <= 0) return part === 0 ? EIO : -part;
    moved += part;
  }
  return DONE;
}
