// What npx leaves behind when it is ended: nothing of ours, whatever its shell does with signals.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { insideLabTests, testsInLab } from "../testing/suites/in_lab.ts";

const ROOT = join(import.meta.dir, "..");

/** A shell that stays beside its command, and one that becomes it, so that npx itself passes SIGTERM on. */
const CASES = [
  ["/bin/dash", "SIGTERM"],
  ["/bin/dash", "SIGHUP"],
  ["/bin/dash", "SIGKILL"],
  ["/bin/bash", "SIGKILL"],
] as const;

testsInLab(import.meta.path, {}, () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-runner-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const npx = Bun.which("npx");

  if (npx === null) test.skip("npx is not installed", () => {});
  else {
    for (const [shell, signal] of CASES.filter(([path]) => existsSync(path))) {
      test(`${signal} for npx over ${shell} ends the target, and its image is free`, async () => {
        const image = join(folder, "disk.img");
        const words = ["target", "7", "3", "b0", image, "--create", "1m"];
        const child = Bun.spawn([npx, "--offline", "aoe", ...words], {
          cwd: ROOT,
          env: { ...process.env, npm_config_script_shell: shell },
          stdin: "ignore",
          stderr: "pipe",
        });
        // The end of the stream is the end of the last who can write to it.
        let said = "";
        const ended = (async () => {
          for await (const bytes of child.stderr) {
            said += new TextDecoder().decode(bytes);
            if (said.includes("serves") && !child.killed) child.kill(signal);
          }
        })();
        await Promise.race([ended, Bun.sleep(50_000)]);
        child.kill("SIGKILL");
        const again = Bun.spawnSync(["flock", "--nonblock", "--exclusive", image, "true"]);
        expect({ said, lock: again.exitCode }).toEqual({
          said: expect.stringContaining("answers that waited"),
          lock: 0,
        });
      }, 60_000);
    }
  }
});

if (!insideLabTests) {
  describe("a parent that is no runner is not watched", () => {
    /** What a process says whose shell ends before it does; `runner`: that runs `script`. */
    const orphan = (script: string, node = "none"): string => {
      const program = `
        import { watchRunner } from ${JSON.stringify(join(import.meta.dir, "runner.ts"))};
        setTimeout(() => { console.log("lives"); process.exit(); }, 1500);
        watchRunner(process.env.SCRIPT ?? "", process.env.NODE ?? "", () => {
          console.log("ended");
          process.exit();
        });
        console.log("began");`;
      const run = Bun.spawnSync(["sh", "-c", `${LINE} sleep 0.7`], {
        env: {
          ...process.env,
          BUN: process.execPath,
          PROGRAM: program,
          SCRIPT: script,
          NODE: node,
        },
        stdin: "ignore",
      });
      return run.stdout.toString();
    };
    const LINE = '"$BUN" -e "$PROGRAM" &';

    test("a shell whose words are others", () => {
      expect(orphan("aoe target")).toBe("began\nlives\n");
    });

    test("a shell that has put us in the background", () => {
      expect(orphan(LINE)).toBe("began\nlives\n");
    });

    test("but what the runner runs on is", () => {
      expect(orphan("aoe target", realpathSync("/bin/sh"))).toBe("began\nended\n");
    });
  });
}
