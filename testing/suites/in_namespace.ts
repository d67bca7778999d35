// For tests of sockets and links: a lab of its own for a test file (in_lab.ts), whose pair is called va ── vb, and what
// such tests do to its devices.

import { errno, refused } from "../../sys/errno.ts";
import { libc } from "../../sys/libc.ts";
import { searchPath } from "../../lab/programs.ts";
import { testsInLab } from "./in_lab.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SIOCSIFMTU = 0x8922;
const RLIMIT_NOFILE = 7;
const PATH = searchPath();

/** One command line of `ip` or `tc`, within the namespace. Throws with what it said. */
export function inShell(command: string): void {
  const run = Bun.spawnSync(["sh", "-c", command], { env: { ...process.env, PATH } });
  if (run.exitCode !== 0) throw new Error(`${command}: ${run.stderr.toString().trim()}`);
}

/** What `ip link set DEVICE mtu MTU` does, in microseconds: for tests of what happens right after. */
export function setMtuAtOnce(device: string, mtu: number): void {
  const request = new Uint8Array(40);
  new TextEncoder().encodeInto(device, request);
  new DataView(request.buffer).setInt32(16, mtu, true);
  const c = libc({
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    ioctl: { args: ["i32", "u32", "ptr"], returns: "i32" },
    close: { args: ["i32"], returns: "i32" },
  });
  const fd = c.socket(AF_UNIX, SOCK_DGRAM, 0);
  const failed = c.ioctl(fd, SIOCSIFMTU, request) < 0;
  const code = errno();
  c.close(fd);
  if (failed) throw refused(`can't set the MTU of ${device}`, code);
}

/** So many descriptors may this process have from now on, up to its hard limit. */
export function limitDescriptors(most: number): void {
  const c = libc({
    getrlimit: { args: ["i32", "ptr"], returns: "i32" },
    setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  });
  // struct rlimit: the limit in force and the highest that may be asked for, 64 bits each.
  const limits = new BigUint64Array(2);
  if (c.getrlimit(RLIMIT_NOFILE, limits) < 0) throw refused("can't tell the limit of descriptors");
  limits[0] = BigInt(most);
  if (c.setrlimit(RLIMIT_NOFILE, limits) < 0) throw refused("can't limit descriptors");
}

/**
 * True inside the lab, whose pair is called va and vb there: register the tests. Else registers one test that runs
 * `file` inside (or says why it can't be), and is false.
 */
export function inNamespace(file: string): boolean {
  let inside = false;
  testsInLab(file, {}, () => {
    inside = true;
    for (const [old, name] of [
      ["a0", "va"],
      ["b0", "vb"],
    ]) {
      inShell(`ip link set ${old} down; ip link set ${old} name ${name}; ip link set ${name} up`);
    }
  });
  return inside;
}
