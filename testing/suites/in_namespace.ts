// For tests that need raw sockets: a network of their own, as root and as an ordinary user alike.
//
//   bun test x.test.ts ─ registers one test ─▶ unshare … bun test x.test.ts ─ registers the real ones
//
// The second run has a veth pair va ── vb (MTU 9000, up, silent) and all of CAP_NET_ADMIN in it, and
// ends with the first: setpriv kills unshare when its parent dies, unshare kills what it started.

import { expect, test } from "bun:test";

import { errno, refused } from "../../sys/errno.ts";
import { libc } from "../../sys/libc.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SIOCSIFMTU = 0x8922;
const RLIMIT_NOFILE = 7;
const MARK = "AOE_TEST_NAMESPACE";
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

const PAIR = [
  "ip link set lo up",
  "for device in va vb; do [ $device = vb ] || ip link add va mtu 9000 type veth peer name vb mtu 9000; ip link set $device addrgenmode none; ip link set $device up; done",
];
const UNSHARE = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--user", "--map-root-user", "--net", "--kill-child", "sh", "-ec"],
];

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
 * True inside the namespace: register the tests. Else registers one test that runs `file` inside (or
 * says why it can't be: no user namespaces, no iproute2), and is false.
 */
export function inNamespace(file: string): boolean {
  if (process.env[MARK] === file) return true;
  const env = { ...process.env, PATH };
  const probe = Bun.spawnSync([...UNSHARE, PAIR.join("\n")], { env });
  if (probe.exitCode !== 0) {
    const reason = probe.stderr.toString().trim().replaceAll("\n", " ");
    test.skip(`in a network namespace, which can't be made here: ${reason}`, () => {});
    return false;
  }
  test("in a network namespace of its own", () => {
    const script = [...PAIR, 'exec "$@"'].join("\n");
    const command = [process.execPath, "test", "--timeout", "30000", file];
    const run = Bun.spawnSync([...UNSHARE, script, "sh", ...command], {
      env: { ...env, [MARK]: file },
    });
    const said = run.stderr.toString();
    if (run.exitCode !== 0) console.log(said + run.stdout.toString());
    expect(run.exitCode).toBe(0);
    expect(said).toMatch(/[1-9][0-9]* pass/);
  }, 120_000);
  return false;
}
