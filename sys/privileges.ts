// Becoming another user for good. The C library's own setgroups, setgid and setuid are used, since they change
// every thread of the process; the bare system calls would change the calling thread alone, and Bun has many.
//
//   root, all capabilities ─ PR_SET_KEEPCAPS ─ setgroups ─ setgid ─ setuid ─▶ user
//                                                                      └ capset: CAP_NET_RAW, this thread
//
// What is kept of root is CAP_NET_RAW in the one thread that opens packet sockets: an interface that
// comes back is opened again. The other threads keep nothing.

import { read } from "bun:ffi";
import { readFileSync } from "node:fs";

import { environment, usage } from "../words/failure.ts";
import { refused } from "./errno.ts";
import { I64, libc } from "./libc.ts";

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const CAP_NET_RAW = 13;
const PR_SET_KEEPCAPS = 8;
const LINUX_CAPABILITY_VERSION_3 = 0x2008_0522;

function accounts() {
  return libc({
    getpwnam: { args: ["ptr"], returns: "ptr" },
    getpwuid: { args: ["u32"], returns: "ptr" },
  });
}

/**
 * The user of a name or number. A number without an account is its own group. Throws a usage failure
 * for a name that nobody has.
 */
export function findUser(text: string, what: string): User {
  const c = accounts();
  const number = /^\d+$/.test(text) ? Number(text) : null;
  const entry =
    number === null ? c.getpwnam(new TextEncoder().encode(`${text}\0`)) : c.getpwuid(number);
  if (entry === null) {
    if (number === null || number >= 0xffff_ffff) {
      throw usage(`Expected \`${what}\` to be the name or number of a user, got \`${text}\``);
    }
    return { name: "", uid: number, gid: number };
  }
  // struct passwd: name @0, password @8, uid u32 @16, gid u32 @20.
  const uid = read.u32(entry, 16);
  const gid = read.u32(entry, 20);
  return { name: number === null ? text : "", uid, gid };
}

/** Becomes `user` in every thread. Throws an environment failure where that is refused. */
export function becomeUser(user: User): void {
  const c = libc({
    initgroups: { args: ["ptr", "u32"], returns: "i32" },
    setgroups: { args: [I64, "ptr"], returns: "i32" },
    setgid: { args: ["u32"], returns: "i32" },
    setuid: { args: ["u32"], returns: "i32" },
    prctl: { args: ["i32", I64, I64, I64, I64], returns: "i32" },
    capset: { args: ["ptr", "ptr"], returns: "i32" },
  });
  const who = user.name === "" ? `user ${user.uid}` : user.name;
  const must = (result: number): void => {
    if (result !== 0) throw refused(`Can't become ${who}`);
  };
  must(c.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
  if (user.name === "") must(c.setgroups(0, null));
  else must(c.initgroups(new TextEncoder().encode(`${user.name}\0`), user.gid));
  must(c.setgid(user.gid));
  must(c.setuid(user.uid));
  // Effective, permitted, inheritable, then the same for capabilities 32 and up.
  const header = new Uint32Array([LINUX_CAPABILITY_VERSION_3, 0]);
  const kept = permitted() & (1 << CAP_NET_RAW);
  must(c.capset(header, new Uint32Array([kept, kept, 0, 0, 0, 0])));
  must(c.prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0));
  if (process.getuid?.() !== user.uid || process.getgid?.() !== user.gid) {
    throw environment(`Can't become ${who}: the kernel took it and did nothing`);
  }
}

/** The lower 32 capabilities that this thread may have. */
function permitted(): number {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  const mask = /^CapPrm:\s*([0-9a-f]{16})$/m.exec(status)?.[1] ?? "0";
  return Number.parseInt(mask.slice(8), 16) | 0;
}
