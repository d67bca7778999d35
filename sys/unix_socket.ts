// Stream sockets with a path: listening, accepting, connecting, and moving bytes to and from addresses.
// Every call returns at once (connect aside, which on a path does not wait for more than a full
// backlog), so that these descriptors stand in the same set as the raw sockets.
//
// struct sockaddr_un: family u16 @0, path @2, at most 108 bytes with its closing zero.

import { EAGAIN, EINTR, errno, refused } from "./errno.ts";
import { libc, pointer } from "./libc.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  accept4: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const BACKLOG = 128;
/** Longest path in bytes: sun_path without its closing zero. */
export const LONGEST_SOCKET_PATH = 107;

export interface UnixStream {
  readonly fd: number;
  /** Bytes received at `address`, 0 at the end of the stream, or -errno (-EAGAIN: nothing there). */
  receive(address: number, length: number): number;
  /** Bytes sent from `address`, perhaps fewer than `length`, or -errno (-EAGAIN: no room). */
  send(address: number, length: number): number;
  close(): void;
}

export interface UnixListener {
  /** Readable when somebody waits to be accepted. */
  readonly fd: number;
  /** A stream, or -errno (-EAGAIN: nobody waits). */
  accept(): UnixStream | number;
  /** Stops listening; the path stays. */
  close(): void;
}

/** Makes a socket at `path`, which must not exist. Throws an environment failure. */
export function listenUnixSocket(path: string): UnixListener {
  const address = socketAddress(path);
  const fd = c.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw refused("can't make a Unix socket");
  if (c.bind(fd, address, address.length) < 0 || c.listen(fd, BACKLOG) < 0) {
    const code = errno();
    c.close(fd);
    throw refused(`can't listen at ${path}`, code);
  }
  return {
    fd,
    accept: () => acceptStream(fd),
    close() {
      c.close(fd);
    },
  };
}

/** The client that waits at a listening stream socket, or -errno (-EAGAIN: nobody does). */
export function acceptStream(fd: number): UnixStream | number {
  const accepted = c.accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return accepted < 0 ? -errno() : stream(accepted);
}

/** A stream to the listener at `path`, or -errno (-ECONNREFUSED: nobody does). */
export function connectUnixSocket(path: string): UnixStream | number {
  const address = socketAddress(path);
  const fd = c.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno();
  if (c.connect(fd, address, address.length) < 0) {
    const code = errno();
    c.close(fd);
    return -code;
  }
  return stream(fd);
}

function socketAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  if (bytes.length === 0 || bytes.length > LONGEST_SOCKET_PATH) {
    throw new Error(`invariant: a socket's path has 1 to ${LONGEST_SOCKET_PATH} bytes`);
  }
  const address = new Uint8Array(2 + bytes.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}

function stream(fd: number): UnixStream {
  return {
    fd,
    receive(address, length) {
      const taken = c.recv(fd, pointer(address), length, MSG_DONTWAIT);
      return taken < 0 ? later(errno()) : taken;
    },
    send(address, length) {
      const sent = c.send(fd, pointer(address), length, MSG_DONTWAIT | MSG_NOSIGNAL);
      return sent < 0 ? later(errno()) : sent;
    },
    close() {
      c.close(fd);
    },
  };
}

/** A signal that came in between means the same as no bytes: ask again later. */
function later(code: number): number {
  return code === EINTR ? -EAGAIN : -code;
}
