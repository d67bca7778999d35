// Which driver an interface is of, as `ethtool -i` says: `veth`, `tun`, `e1000e`.
//
// struct ifreq: name @0 (16 bytes, zero-ended), pointer to the command's own struct @16. struct ethtool_drvinfo
// (linux/ethtool.h): cmd u32 @0, driver @4 (32 bytes, zero-ended); 196 bytes in all.

import { libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0x80000;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 3;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;
const DRIVER = 4;
const DRIVER_BYTES = 32;
const INFO_BYTES = 196;

/** The driver's name; null: no such interface, or one without a driver that tells. */
export function interfaceDriver(name: string): string | null {
  const memory = mapMemory(REQUEST_BYTES + INFO_BYTES);
  const socket = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  try {
    new TextEncoder().encodeInto(name, memory.bytes.subarray(0, NAME_BYTES - 1));
    memory.view.setBigUint64(NAME_BYTES, BigInt(memory.address + REQUEST_BYTES), true);
    memory.view.setUint32(REQUEST_BYTES, ETHTOOL_GDRVINFO, true);
    if (c.ioctl(socket, SIOCETHTOOL, pointer(memory.address)) !== 0) return null;
    const start = REQUEST_BYTES + DRIVER;
    const bytes = memory.bytes.subarray(start, start + DRIVER_BYTES);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  } finally {
    if (socket >= 0) c.close(socket);
    memory.unmap();
  }
}
