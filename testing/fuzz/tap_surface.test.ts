// The surface over a real TAP interface: the frame that once ended the target, and some cases.

import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "bun:test";

import { maskFrame, OURS, PEER } from "../doubles/probe.ts";
import { toBytes } from "../../wire/frame.ts";
import { testsInLab } from "../suites/in_lab.ts";
import { fuzz } from "./fuzz.ts";
import { toHex } from "./surface.ts";
import { tapSurface } from "./tap_surface.ts";

const AOE = join(import.meta.dir, "../../aoe.ts");

/** Why this user can't make a TAP interface, even as root of a namespace: the device's own mode says. */
function noTap(): string | null {
  try {
    accessSync("/dev/net/tun", constants.R_OK | constants.W_OK);
    return null;
  } catch (error) {
    return `/dev/net/tun can't be opened: ${(error as Error).message}`;
  }
}

testsInLab(import.meta.path, { mtu: 1500, missing: noTap() }, () => {
  afterAll(() => tapSurface.close?.());

  test("the command ends when it is through, and leaves nothing behind", () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-tap-test-"));
    const words = ["bench", "fuzz", "--only", "tap", "--cases", "2", "--seed", "3"];
    const run = Bun.spawnSync([process.execPath, AOE, ...words], {
      env: { ...process.env, TMPDIR: folder },
      timeout: 30_000,
    });
    expect(run.stdout.toString()).toMatch(/^tap +2 cases: /);
    expect([run.exitCode, readdirSync(folder)]).toEqual([0, []]);
    rmSync(folder, { recursive: true });
  }, 60_000);

  test("a mask edit longer than the MTU, all of it good but the last directive", () => {
    const good = Array.from({ length: 254 }, () => [0, 0] as const);
    const edit = toBytes(maskFrame(1, [...good, [9, PEER]], { to: OURS, from: PEER, tag: 7 }));
    expect(tapSurface.run(`mtu 1500\nsend ${toHex(edit)}`)).toBe("answered");
  }, 60_000);

  test("20 cases", async () => {
    const { tallies, findings } = await fuzz([tapSurface], 20_261_123, (_, cases) => cases >= 20);
    expect(findings).toEqual([]);
    expect(tallies[0]?.outcomes["answered"]).toBeGreaterThan(15);
  }, 60_000);
});
