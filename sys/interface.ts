// A network interface as this process's network namespace knows it, asked by ioctl on a plain socket.
// Never through /sys/class/net: inside a fresh namespace that still lists the devices of the
// namespace that mounted it.
//
// struct ifreq: name @0 (16 bytes, zero-ended), then a union @16: ifindex i32, mtu i32, flags u16, or
// a sockaddr whose family is @16 and whose address is @18.

import { CString, read } from "bun:ffi";

import { environment } from "../words/failure.ts";
import { ENODEV, errno, refused } from "./errno.ts";
import { libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
  if_nameindex: { args: [], returns: "ptr" },
  if_freenameindex: { args: ["ptr"], returns: "void" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
/** IFNAMSIZ: at most 15 bytes and a zero. */
const NAME_BYTES = 16;
const UNION = 16;
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;

export interface Interface {
  readonly name: string;
  readonly index: number;
  /** The octets read big-endian, as wire/mac.ts's Mac. */
  readonly mac: number;
  readonly mtu: number;
  /** Administratively up, and with a carrier. */
  readonly up: boolean;
  readonly running: boolean;
  readonly loopback: boolean;
  /** Frames on it begin with an Ethernet header. */
  readonly ethernet: boolean;
}

/** Any socket takes these ioctls; this one needs no permission. It lives as long as the process. */
let control = -1;
const request = mapMemory(40);

function ask(code: number, name: string): boolean {
  if (control < 0) {
    control = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (control < 0) throw refused("can't open a socket to ask about interfaces");
  }
  request.bytes.fill(0);
  new TextEncoder().encodeInto(name, request.bytes.subarray(0, NAME_BYTES - 1));
  return c.ioctl(control, code, pointer(request.address)) === 0;
}

/** The interface `name` as it is now, or null where this namespace has none of that name. */
export function readInterface(name: string): Interface | null {
  if (name === "" || new TextEncoder().encode(name).length >= NAME_BYTES) return null;
  if (!ask(SIOCGIFINDEX, name)) {
    if (errno() === ENODEV) return null;
    throw refused(`can't ask about interface ${name}`);
  }
  const index = request.view.getInt32(UNION, true);
  if (!ask(SIOCGIFHWADDR, name)) return null;
  const family = request.view.getUint16(UNION, true);
  const mac = request.view.getUint16(UNION + 2) * 0x1_0000_0000 + request.view.getUint32(UNION + 4);
  if (!ask(SIOCGIFMTU, name)) return null;
  const mtu = request.view.getInt32(UNION, true);
  if (!ask(SIOCGIFFLAGS, name)) return null;
  const flags = request.view.getUint16(UNION, true);
  return {
    name,
    index,
    mac,
    mtu,
    up: (flags & IFF_UP) !== 0,
    running: (flags & IFF_RUNNING) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    ethernet: family === ARPHRD_ETHER || family === ARPHRD_LOOPBACK,
  };
}

/** As `readInterface`; a missing one is an environment failure that names those that exist. */
export function findInterface(name: string): Interface {
  const found = readInterface(name);
  if (found !== null) return found;
  const names = interfaceNames();
  throw environment(
    `No interface \`${name}\`: there is ${names.length > 0 ? names.join(", ") : "none"}`,
  );
}

/** The name of the interface that the kernel has under `index`; null: none. */
export function interfaceName(index: number): string | null {
  return namesByIndex().get(index) ?? null;
}

/** Every interface's name in this namespace, by index. */
export function interfaceNames(): string[] {
  return [...namesByIndex().values()];
}

function namesByIndex(): Map<number, string> {
  const list = c.if_nameindex();
  if (list === null) throw refused("can't list the interfaces");
  // struct if_nameindex: index u32 @0, name char* @8; ended by one of index 0.
  const names = new Map<number, string>();
  for (let at = 0; read.u32(list, at) !== 0; at += 16) {
    names.set(read.u32(list, at), String(new CString(pointer(read.ptr(list, at + 8)))));
  }
  c.if_freenameindex(list);
  return names;
}
