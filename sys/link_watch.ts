// Tells that something about some interface has changed (MTU, MAC, carrier, up, gone, its queue discipline): a netlink
// socket in the groups of links and of traffic control. It says only "look again"; interface.ts and
// queue_discipline.ts look.

import { allOrNothing } from "./all_or_nothing.ts";
import { ENOBUFS, errno, refused } from "./errno.ts";
import { libc, pointer } from "./libc.ts";
import { mapMemory } from "./memory.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0x800;
const SOCK_CLOEXEC = 0x80000;
const NETLINK_ROUTE = 0;
const RTMGRP_LINK = 1;
const RTMGRP_TC = 8;
const MSG_DONTWAIT = 0x40;
/** A datagram is cut to this: that it came is all we need of it. */
const BYTES = 64;

export interface LinkWatch {
  /** Readable when something has changed. */
  readonly fd: number;
  /** Whether something has changed since the last call; 0.2 µs when nothing has. */
  take(): boolean;
  close(): void;
}

export function openLinkWatch(): LinkWatch {
  return allOrNothing(open);
}

function open(undo: (giveBack: () => void) => void): LinkWatch {
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) throw refused("can't watch the interfaces");
  undo(() => c.close(fd));
  const memory = mapMemory(BYTES);
  undo(() => memory.unmap());
  const address = pointer(memory.address);
  // sockaddr_nl: family u16 @0, port id u32 @4 (0: the kernel's choice), groups u32 @8.
  memory.view.setUint16(0, AF_NETLINK, true);
  memory.view.setUint32(8, RTMGRP_LINK | RTMGRP_TC, true);
  if (c.bind(fd, address, 12) < 0) throw refused("can't watch the interfaces");
  return {
    fd,
    take() {
      let changed = false;
      for (;;) {
        if (c.recv(fd, address, BYTES, MSG_DONTWAIT) < 0) {
          // An overflow means that messages were lost: something has changed all the same.
          if (errno() !== ENOBUFS) break;
        }
        changed = true;
      }
      return changed;
    },
    close() {
      c.close(fd);
      memory.unmap();
    },
  };
}
