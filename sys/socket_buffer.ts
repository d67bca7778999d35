// How much a socket may hold, beyond the system's limit where the user may exceed that.

import { libc } from "./libc.ts";

const c = libc({ setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" } });

const SOL_SOCKET = 1;
/** Options: to be told or set within the limit, and to be set beyond it. */
export const SEND_BUFFER = { plain: 7, force: 32 } as const;
export const RECEIVE_BUFFER = { plain: 8, force: 33 } as const;

/** Asks for `bytes`; the kernel doubles them, and may grant less. */
export function growSocketBuffer(
  fd: number,
  { plain, force }: typeof SEND_BUFFER | typeof RECEIVE_BUFFER,
  bytes: number,
): void {
  const value = new Int32Array([bytes]);
  if (c.setsockopt(fd, SOL_SOCKET, force, value, 4) === 0) return;
  c.setsockopt(fd, SOL_SOCKET, plain, value, 4);
}
