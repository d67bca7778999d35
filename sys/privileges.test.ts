// Becoming another user: in every thread, with nothing kept but CAP_NET_RAW in the one that asked. A process that did
// it can't be used for anything else, so each case is a process of its own.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";

import { findUser } from "./privileges.ts";

const isRoot = process.getuid?.() === 0;

interface Thread {
  readonly name: string;
  readonly uids: string;
  readonly gids: string;
  readonly groups: string;
  readonly effective: string;
}

/** Becomes `user` and tells what each thread is then, whether root comes back, and whether a raw socket opens. */
const SCRIPT = `
  const { becomeUser, findUser } = await import(${JSON.stringify(join(import.meta.dir, "privileges.ts"))});
  const { openPacketSocket } = await import(${JSON.stringify(join(import.meta.dir, "packet_socket.ts"))});
  const { readdirSync, readFileSync } = await import("node:fs");
  // Threads that were there before: Bun's own, and a Worker.
  const worker = new Worker("data:text/javascript,setInterval(()=>{},1000)");
  await Bun.sleep(100);
  becomeUser(findUser(process.argv[1] ?? "", "--user"));
  const field = (text, name) => new RegExp("^" + name + ":\\\\s*(.*)$", "m").exec(text)?.[1]?.trim();
  const threads = readdirSync("/proc/self/task").map((id) => {
    const text = readFileSync("/proc/self/task/" + id + "/status", "utf8");
    return {
      name: id === String(process.pid) ? "main" : "other",
      uids: field(text, "Uid"), gids: field(text, "Gid"), groups: field(text, "Groups"),
      effective: field(text, "CapEff"),
    };
  });
  let back = true;
  try { process.setuid(0); } catch { back = false; }
  let raw = true;
  try { openPacketSocket().close(); } catch { raw = false; }
  let shadow = true;
  try { readFileSync("/etc/shadow"); } catch { shadow = false; }
  console.log(JSON.stringify({ threads, back, raw, shadow }));
  process.exit(0);
`;

interface Told {
  readonly threads: readonly Thread[];
  readonly back: boolean;
  readonly raw: boolean;
  readonly shadow: boolean;
}

async function become(user: string): Promise<{ told: Told; said: string; code: number }> {
  const child = Bun.spawn([process.execPath, "-e", SCRIPT, user], {
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, said] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { told: JSON.parse(out === "" ? "{}" : out) as Told, said, code: await child.exited };
}

const why = isRoot ? "" : " (skipped: only root can become somebody else)";

describe.skipIf(!isRoot)(`becoming another user${why}`, () => {
  test.each<[string, string]>([
    ["nobody", "65534"],
    ["12345", "12345"],
  ])(
    "%s",
    async (user, number) => {
      const { told, said, code } = await become(user);
      expect([code, said]).toEqual([0, ""]);
      expect(told.threads.length).toBeGreaterThan(3);
      for (const { uids, gids, groups } of told.threads) {
        expect(uids.split(/\s+/)).toEqual(Array(4).fill(number));
        expect(gids.split(/\s+/)).toEqual(Array(4).fill(number));
        expect(groups.split(/\s+/)).not.toContain("0");
      }
      // CAP_NET_RAW is number 13, and this process had it.
      const kept = told.raw ? "0000000000002000" : "0000000000000000";
      for (const { name, effective } of told.threads) {
        expect([name, effective]).toEqual([name, name === "main" ? kept : "0000000000000000"]);
      }
      expect(told.back).toBe(false);
      expect(told.shadow).toBe(false);
    },
    60_000,
  );
});

test.skipIf(isRoot)(
  `who is not root is told so${isRoot ? " (skipped: root may become anybody)" : ""}`,
  async () => {
    const { said, code } = await become("65533");
    expect(code).not.toBe(0);
    expect(said).toContain("Can't become user 65533: Operation not permitted (EPERM)");
  },
  60_000,
);

test("users by name and number, and nobody by a name that nobody has", () => {
  expect(findUser("root", "--user")).toEqual({ name: "root", uid: 0, gid: 0 });
  expect(findUser("0", "--user")).toEqual({ name: "", uid: 0, gid: 0 });
  expect(findUser("54321", "--user")).toEqual({ name: "", uid: 54_321, gid: 54_321 });
  for (const bad of ["no-such-user", "", "-1", "4294967295", "1.5"]) {
    expect(() => findUser(bad, "--user")).toThrow(`got \`${bad}\``);
  }
});
