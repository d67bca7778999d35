// `discover --watch`: who is found, gone and back, a line each.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");

testsInLab(import.meta.path, {}, () => {
  test("a target that falls silent is gone, and back when it answers again", async () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-watch-"));
    writeFileSync(join(folder, "disk"), new Uint8Array(1 << 20));
    const quiet = { stdin: "ignore", stdout: "ignore", stderr: "ignore" } as const;
    const aoe = [process.execPath, AOE];
    const target = Bun.spawn([...aoe, "target", "7", "3", "b0", join(folder, "disk")], quiet);
    const words = ["initiator", "discover", "--watch", "--json", "-i", "a0", "--wait", "300ms"];
    const watch = Bun.spawn([...aoe, ...words], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    try {
      const events: string[] = [];
      let rest = "";
      const decoder = new TextDecoder();
      for await (const chunk of watch.stdout) {
        rest += decoder.decode(chunk, { stream: true });
        const lines = rest.split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) {
          const { event, device, size_bytes: bytes } = JSON.parse(line);
          expect([device, bytes]).toEqual(["e7.3", 1 << 20]);
          events.push(event);
          if (event === "found") target.kill("SIGSTOP");
          if (event === "gone") target.kill("SIGCONT");
        }
        if (events.includes("back")) break;
      }
      expect(events).toEqual(["found", "gone", "back"]);
    } finally {
      watch.kill("SIGKILL");
      target.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);
});
