// A TAP interface: the kernel's end is an Ethernet interface like any other, and what is written to this end arrives
// there. It takes frames that are longer than the interface's MTU, as a NIC with roomy receive buffers does.
//
// struct ifreq: name @0 (16 bytes, zero-ended), flags u16 @16 (linux/if_tun.h).

import { environment } from "../words/failure.ts";
import { describeErrno, EAGAIN, errno } from "./errno.ts";
import { libc, pointer } from "./libc.ts";
import type { Mapping } from "./memory.ts";

const c = libc({
  open: { args: ["ptr", "i32"], returns: "i32" },
  ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
  read: { args: ["i32", "ptr", "u32"], returns: "i32" },
  write: { args: ["i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const DEVICE = Buffer.from("/dev/net/tun\0");
const O_RDWR = 2;
const O_NONBLOCK = 0x800;
const O_CLOEXEC = 0x80000;
const TUNSETIFF = 0x4004_54ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40;

export interface Tap {
  readonly fd: number;
  /** The first `length` bytes of `memory` arrive at the interface; 0 or the errno. */
  send(memory: Mapping, length: number): number;
  /** What left the interface, into `memory`; the bytes of it, 0: nothing has. */
  receive(memory: Mapping): number;
  /** The interface goes with it. */
  close(): void;
}

/** Makes the interface `name`, which is down. Throws an environment failure: no permission, no such device. */
export function openTap(name: string): Tap {
  const fd = c.open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) throw refusal(name, errno());
  const request = new Uint8Array(REQUEST_BYTES);
  new TextEncoder().encodeInto(name, request.subarray(0, NAME_BYTES - 1));
  new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TAP | IFF_NO_PI, true);
  if (c.ioctl(fd, TUNSETIFF, request) < 0) {
    const code = errno();
    c.close(fd);
    throw refusal(name, code);
  }
  return {
    fd,
    send: (memory, length) => (c.write(fd, pointer(memory.address), length) < 0 ? errno() : 0),
    receive(memory) {
      const taken = c.read(fd, pointer(memory.address), memory.bytes.length);
      if (taken >= 0) return taken;
      const code = errno();
      if (code === EAGAIN) return 0;
      throw refusal(name, code);
    },
    close() {
      c.close(fd);
    },
  };
}

function refusal(name: string, code: number): Error {
  return environment(`Can't use the TAP interface ${name}: ${describeErrno(code)}`);
}
