// Two hosts that serve different disks at one address, of which the one that everybody should use is the slower one.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { testsInLab } from "../../testing/suites/in_lab.ts";

const AOE = resolve(import.meta.dir, "../../aoe.ts");

testsInLab(import.meta.path, { pairs: 3 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-compared-"));
  const image = (name: string): string => join(folder, name);
  const targets: Bun.Subprocess[] = [];

  function aoe(...words: string[]): { exitCode: number; said: string } {
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, AOE, ...words]);
    return { exitCode, said: stderr.toString() };
  }

  beforeAll(async () => {
    const switched = Bun.spawnSync([
      "sh",
      "-c",
      "PATH=$PATH:/usr/sbin:/sbin; ip link add br0 type bridge && for port in b0 a1 a2; do ip link set $port master br0; done; ip link set br0 up",
    ]);
    expect(switched.exitCode).toBe(0);
    for (const [port, name, delay] of [
      ["b1", "slow", "300ms"],
      ["b2", "fast", "0ms"],
    ] as const) {
      writeFileSync(image(name), new Uint8Array(1 << 16));
      const words = ["target", "7", "3", port, image(name), "--delay", delay];
      targets.push(Bun.spawn([process.execPath, AOE, ...words], { stderr: "ignore" }));
    }
    // Both are there; and who waits for less than the slow one takes hears of it all the same.
    const pair = expect.stringContaining("claimed by two targets");
    const discover = ["initiator", "discover", "--interface", "a0", "--wait"];
    for (const wait of ["3s", "400ms"]) {
      let { said } = aoe(...discover, wait);
      // On a busy machine a target begins late, or answers so late.
      for (let tries = 0; tries < 30 && !said.includes("claimed by two"); tries++) {
        ({ said } = aoe(...discover, wait));
      }
      expect(said).toEqual(pair);
    }
  }, 60_000);

  afterAll(async () => {
    for (const target of targets) target.kill("SIGKILL");
    await Promise.all(targets.map(({ exited }) => exited));
    rmSync(folder, { recursive: true, force: true });
  });

  test("a write goes to the lower address each time, and says that there are two", () => {
    const data = new Uint8Array(1 << 12).fill(0x5a);
    writeFileSync(image("data"), data);
    for (let offset = 0; offset < 3; offset++) {
      const words = ["initiator", "write", "e7.3", image("data"), "--interface", "a0"];
      const { exitCode, said } = aoe(...words, "--offset", `${4 * offset}k`);
      expect([exitCode, said]).toEqual([0, expect.stringContaining(":b1 is used")]);
    }
    expect(readFileSync(image("slow")).subarray(0, 3 << 12)).toEqual(Buffer.alloc(3 << 12, 0x5a));
    expect(readFileSync(image("fast")).every((byte) => byte === 0)).toBe(true);
  }, 60_000);
});
