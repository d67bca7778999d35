// State files: what is saved is found again, what is broken is said in a sentence, and a process killed at any
// moment leaves the old or the new state.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Failure } from "../words/failure.ts";
import { EMPTY_STATE } from "./export.ts";
import { openStateFile } from "./state.ts";

const directory = mkdtempSync(join(tmpdir(), "aoe-state-"));
afterAll(() => rmSync(directory, { recursive: true }));

const address = { major: 7, minor: 3 };

describe("state file", () => {
  test("what is saved is loaded; nothing saved is null; a directory is made", () => {
    const fresh = join(directory, "made", "here");
    const file = openStateFile(fresh, address);
    expect(file.load()).toBeNull();
    const state = {
      config: new Uint8Array([0, 255, 10, 34]),
      masks: [0x0200_0000_0001, 0xffff_ffff_fffe],
      reservation: [0x0004_cf00_0001],
    };
    expect(file.save(state)).toBe(0);
    expect(openStateFile(fresh, address).load()).toEqual(state);
    expect(openStateFile(fresh, { major: 7, minor: 4 }).load()).toBeNull();
    expect(file.save(EMPTY_STATE)).toBe(0);
    expect(file.load()).toEqual(EMPTY_STATE);
    expect(readdirSync(fresh)).toEqual(["e7.3.json"]);
  });

  test("a state that can't be saved is an errno", () => {
    const gone = join(directory, "gone");
    const file = openStateFile(gone, address);
    rmSync(gone, { recursive: true });
    expect(file.save(EMPTY_STATE)).toBeGreaterThan(0);
  });

  test.each([
    ["{", "is not JSON"],
    ["[]", "has version undefined"],
    ['{"version":2}', "has version 2"],
    ['{"version":1,"config":"xyz"}', "`config`"],
    [`{"version":1,"config":"${"00".repeat(1025)}"}`, "too long"],
    ['{"version":1,"config":"","masks":{}}', "`masks`"],
    ['{"version":1,"config":"","masks":["nonsense"],"reservation":[]}', "`nonsense`"],
  ])("a file with %s is refused in a sentence", (text, part) => {
    const file = openStateFile(directory, { major: 1, minor: 1 });
    writeFileSync(file.path, text);
    expect(() => file.load()).toThrow(Failure);
    expect(() => file.load()).toThrow(part);
  });

  test("a process killed at random moments leaves the old state or the new, never a broken one", async () => {
    const place = join(directory, "killed");
    const program = `
      import { openStateFile } from ${JSON.stringify(join(import.meta.dir, "state.ts"))};
      const file = openStateFile(${JSON.stringify(place)}, { major: 7, minor: 3 });
      for (let n = 0; ; n++) {
        const config = new Uint8Array(1024).fill(n & 255);
        if (file.save({ config, masks: Array.from({ length: 100 }, (_, i) => i * 1000 + (n & 255)), reservation: [] }) !== 0) process.exit(1);
      }`;
    let found = 0;
    for (let round = 0; round < 10; round++) {
      const child = Bun.spawn([process.execPath, "-e", program], {
        stdout: "ignore",
        stderr: "inherit",
      });
      await Bun.sleep(40 + round * 7);
      child.kill("SIGKILL");
      await child.exited;
      const state = openStateFile(place, address).load();
      if (state === null) continue;
      found++;
      const [byte] = state.config;
      expect(state.config.every((each) => each === byte)).toBe(true);
      expect(state.masks.every((mac, index) => mac === index * 1000 + (byte as number))).toBe(true);
    }
    expect(found).toBeGreaterThan(0);
  });
});
