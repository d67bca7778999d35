// Listening on TCP, for who is asked from afar: a target's metrics. Nothing waits; a stream is as a Unix socket's.
//
//   struct sockaddr_in    family u16 @0, port u16 (network order) @2, address @4, 16 bytes in all
//   struct sockaddr_in6   the same with flow information @4, address @8, scope @24, 28 bytes

import { isIPv6 } from "node:net";

import { errno, refused } from "./errno.ts";
import { libc } from "./libc.ts";
import { acceptStream, type UnixListener } from "./unix_socket.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const BACKLOG = 128;
const PORT = 2;

export interface TcpListener extends UnixListener {
  /** The one that the kernel chose where 0 was asked for. */
  readonly port: number;
}

/** Listens at a numeric address. Throws an environment failure. */
export function listenTcp(host: string, port: number): TcpListener {
  const address = socketAddress(host, port);
  const family = isIPv6(host) ? AF_INET6 : AF_INET;
  const fd = c.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw refused("can't make a TCP socket");
  const length = Uint32Array.of(address.length);
  // A target that starts again must not wait for what its connections left in the kernel.
  const on = Int32Array.of(1);
  if (
    c.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, on, 4) < 0 ||
    c.bind(fd, address, address.length) < 0 ||
    c.listen(fd, BACKLOG) < 0 ||
    c.getsockname(fd, address, length) < 0
  ) {
    const code = errno();
    c.close(fd);
    throw refused(`can't listen at ${host} port ${port}`, code);
  }
  return {
    fd,
    port: new DataView(address.buffer).getUint16(PORT),
    accept: () => acceptStream(fd),
    close() {
      c.close(fd);
    },
  };
}

function socketAddress(host: string, port: number): Uint8Array {
  const v6 = isIPv6(host);
  const address = new Uint8Array(v6 ? 28 : 16);
  const view = new DataView(address.buffer);
  view.setUint16(0, v6 ? AF_INET6 : AF_INET, true);
  view.setUint16(PORT, port);
  if (v6) address.set(bytesOf(host), 8);
  else address.set(host.split(".").map(Number), 4);
  return address;
}

/** The 16 bytes of an IPv6 address, as URLs write it. */
function bytesOf(host: string): number[] {
  const [plain = ""] = host.split("%");
  // The URL parser knows every spelling, and writes the last 32 bits in hexadecimal too.
  const [head = "", tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split("::");
  const groups = (text: string): number[] =>
    text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
  const first = groups(head);
  const last = groups(tail ?? "");
  const all = [...first, ...Array<number>(8 - first.length - last.length).fill(0), ...last];
  return all.flatMap((group) => [group >> 8, group & 0xff]);
}
