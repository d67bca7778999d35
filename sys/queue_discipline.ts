// Whether frames pass a queue discipline where they leave an interface: asked of the kernel by rtnetlink, as `tc qdisc`
// does. A veth, a bridge and loopback have none ("noqueue") until somebody adds one; clsact, which holds egress
// filters, counts as one.
//
//   request   nlmsghdr, 16 bytes: length u32 · type u16 · flags u16 · sequence u32 · port u32
//             tcmsg, 20 bytes: family u8 · interface i32 @4 · handle u32 @8 · parent u32 @12 · info u32 @16
//   answers   the same for each discipline of each interface, then attributes: length u16 · type u16 · value

import { libc, pointer } from "./libc.ts";
import { type Mapping, mapMemory } from "./memory.ts";

const c = libc({
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  send: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  recv: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
});

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0x80000;
const NETLINK_ROUTE = 0;
const MSG_DONTWAIT = 0x40;
const RTM_NEWQDISC = 36;
const RTM_GETQDISC = 38;
const NLM_F_REQUEST_DUMP = 0x301;
const HEADER = 16;
const BODY = 20;
const ATTRIBUTE = 4;
const TCA_KIND = 1;
/** More than the kernel puts into one datagram of a dump. */
const BYTES = 65_536;
const NONE = "noqueue";

/** Whether interface `index` has one; true where the kernel doesn't tell. */
export function hasQueueDiscipline(index: number): boolean {
  const fd = c.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return true;
  let memory: Mapping | null = null;
  try {
    memory = mapMemory(BYTES);
    const { view } = memory;
    view.setUint32(0, HEADER + BODY, true);
    view.setUint16(4, RTM_GETQDISC, true);
    view.setUint16(6, NLM_F_REQUEST_DUMP, true);
    const address = pointer(memory.address);
    if (c.send(fd, address, HEADER + BODY, MSG_DONTWAIT) < 0) return true;
    let seen = false;
    for (;;) {
      const length = c.recv(fd, address, BYTES, MSG_DONTWAIT);
      if (length < HEADER) return true;
      for (let at = 0; at + HEADER <= length; at += aligned(view.getUint32(at, true))) {
        // The end of the dump, or an error: neither says more.
        if (view.getUint16(at + 4, true) !== RTM_NEWQDISC) return !seen;
        if (view.getInt32(at + HEADER + 4, true) !== index) continue;
        seen = true;
        if (kindOf(view, at) !== NONE) return true;
      }
    }
  } catch {
    // No memory for the question.
    return true;
  } finally {
    c.close(fd);
    memory?.unmap();
  }
}

function kindOf(view: DataView, message: number): string {
  const end = message + view.getUint32(message, true);
  for (let at = message + HEADER + BODY; at + ATTRIBUTE <= end;) {
    const length = view.getUint16(at, true);
    if (view.getUint16(at + 2, true) === TCA_KIND) {
      let kind = "";
      // A string, ended by a zero.
      for (let byte = at + ATTRIBUTE; byte < at + length - 1; byte++) {
        kind += String.fromCharCode(view.getUint8(byte));
      }
      return kind;
    }
    at += Math.max(ATTRIBUTE, aligned(length));
  }
  return "";
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}
