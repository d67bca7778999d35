// A target that starts where another one has its address already.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";
import { openPacketLink } from "../../link/packet.ts";
import { iterate } from "../../link/loop.ts";
import { now } from "../../sys/clock.ts";
import { Export } from "../protocol/export.ts";
import { createMemoryStore } from "../stores/memory.ts";
import { Target } from "../protocol/target.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");

testsInLab(import.meta.path, {}, () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "aoe-claimants-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** What a target of e7.3 at b0 says in its first two seconds beside one at a0 of `slots`. */
  async function said(slots: readonly number[], words: readonly string[] = []): Promise<string> {
    const link = openPacketLink({ interface: "a0" });
    const other = new Target();
    for (const minor of slots) {
      other.addExport(new Export({ major: 7, minor, store: createMemoryStore(8) }));
    }
    other.addPort(link, "a0");
    const image = join(folder, "image");
    const child = Bun.spawn(
      [process.execPath, AOE, "target", "7", "3", "b0", image, "--create", "64k", ...words],
      { stdin: "ignore", stdout: "ignore", stderr: "pipe" },
    );
    let ended = false;
    const text = new Response(child.stderr).text().finally(() => {
      ended = true;
    });
    const start = now();
    for (let stopped = false; !ended;) {
      iterate(other, now());
      if (!stopped && now() - start > 3e9) {
        child.kill("SIGTERM");
        stopped = true;
      }
      await Bun.sleep(1);
    }
    link.close();
    return text;
  }

  test("says who answers for its address, once, and serves", async () => {
    const lines = (await said([3])).split("\n").filter((line) => line.includes("answered from"));
    expect(lines).toEqual([
      "aoe target: e7.3 is answered from 02:00:00:00:00:a0 on b0 too: two targets have one address, and an initiator uses one of them",
    ]);
  }, 60_000);

  test("does not take another interface of its own for another target", async () => {
    const words = ["7", "6", "a0,b0", join(folder, "two"), "--create", "64k"];
    const child = Bun.spawn([process.execPath, AOE, "target", ...words], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    await Bun.sleep(2500);
    child.kill("SIGTERM");
    const text = await new Response(child.stderr).text();
    expect(text).toContain("on a0");
    expect(text).not.toContain("answered from");
  }, 60_000);

  test("is not disturbed by others, nor by what a capture shows it of its own", async () => {
    const capture = join(folder, "all.pcap");
    expect(await said([4, 5], ["--capture", capture])).not.toContain("answered from");
  }, 60_000);
});
