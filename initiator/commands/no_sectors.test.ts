// Commands at a device of no sectors, over raw sockets: one sentence that says so, whatever was asked.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NullTarget } from "../../bench/run/null_target.ts";
import { drive } from "../../link/drive.ts";
import { openPacketLink } from "../../link/packet.ts";
import { createPollWaiter } from "../../link/poll_waiter.ts";
import { inNamespace } from "../../testing/suites/in_namespace.ts";

const AOE = new URL("../../aoe.ts", import.meta.url).pathname;

if (inNamespace(import.meta.path)) {
  let folder = "";
  let ended = false;
  let driven = Promise.resolve();
  const waiter = createPollWaiter();
  const link = openPacketLink({ interface: "vb" });
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-no-sectors-"));
    writeFileSync(join(folder, "source"), new Uint8Array(4096));
    for (const fd of link.fds) waiter.add(fd);
    const core = new NullTarget([link], 0, 16);
    driven = drive({ core, waiter, mode: "frugal", slice: 5e6, until: () => ended });
  });
  afterAll(async () => {
    ended = true;
    waiter.wake();
    await driven;
    link.close();
    waiter.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ["initiator read e7.3 -o out"],
    ["initiator read e7.3 -o out --size 512"],
    ["initiator write e7.3 source"],
    ["initiator verify e7.3 source"],
    ["initiator copy e7.3 out"],
    ["initiator copy source e7.3"],
    ["bench load e7.3"],
  ])("%s", async (words) => {
    const child = Bun.spawn([process.execPath, AOE, ...words.split(" "), "--interface", "va"], {
      cwd: folder,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const err = await child.stderr.text();
    expect(err).toMatch(/has no sectors: there is nothing to read or to write\n$/);
    expect(err).not.toContain("--offset");
    expect(await child.exited).toBe(1);
    expect(existsSync(join(folder, "out"))).toBe(false);
  });
}
