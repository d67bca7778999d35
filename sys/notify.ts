// sd_notify(3): tells systemd that a service is ready, reloading or stopping, by one datagram to the
// unix socket that NOTIFY_SOCKET names (a path, or an abstract name behind `@`).

import { describeErrno, errno } from "./errno.ts";
import { libc } from "./libc.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  sendto: { args: ["i32", "ptr", "u32", "i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const MSG_NOSIGNAL = 0x4000;
/** sockaddr_un: family, then at most 108 bytes of path. */
const PATH_BYTES = 108;

/**
 * Sends `state`, lines such as `READY=1` and `STATUS=serving 3 exports`. Returns null where it went
 * out or where nobody asked for it (no NOTIFY_SOCKET), else why not: a service goes on without.
 */
export function notify(state: string, socket?: string): string | null {
  const { NOTIFY_SOCKET } = process.env;
  const socketPath = socket ?? NOTIFY_SOCKET ?? "";
  if (socketPath === "") return null;
  const path = new TextEncoder().encode(socketPath);
  if (path.length >= PATH_BYTES) return `NOTIFY_SOCKET is longer than ${PATH_BYTES - 1} bytes`;
  const address = new Uint8Array(2 + PATH_BYTES);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(path, 2);
  // An abstract name begins with a zero byte and ends with its length, not with a zero.
  if (address[2] === 0x40) address[2] = 0;
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return describeErrno(errno());
  const message = new TextEncoder().encode(state);
  const sent = Number(
    c.sendto(fd, message, message.length, MSG_NOSIGNAL, address, 2 + path.length),
  );
  const code = errno();
  c.close(fd);
  return sent < 0 ? `${socketPath}: ${describeErrno(code)}` : null;
}
