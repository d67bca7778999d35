// Programs of the system, found where an ordinary user's PATH doesn't reach.

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { expect, test } from "bun:test";

import { findProgram, searchPath } from "./programs.ts";

const READY = resolve(import.meta.dir, "../.ci/ready");

test("the sbin folders stand behind PATH, once", () => {
  expect(searchPath("/usr/bin:/sbin")).toBe("/usr/bin:/sbin:/usr/local/sbin:/usr/sbin");
  expect(searchPath("")).toBe("/usr/local/sbin:/usr/sbin:/sbin");
});

test("finds what is there, and says null for what isn't", () => {
  expect(findProgram("sh")).toEndWith("/sh");
  expect(findProgram("no-such-program-anywhere")).toBeNull();
});

test("where npm left a stub for bun, the scripts say what to type", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-ready-"));
  try {
    const bun = join(folder, "bun");
    const ready = () => {
      const run = Bun.spawnSync(["/bin/sh", READY], { cwd: folder, env: { PATH: folder } });
      return [run.exitCode, run.stderr.toString()];
    };
    expect(ready()).toEqual([5, "Bun is not installed here: run `npm install` first.\n"]);
    writeFileSync(bun, "#!/bin/sh\nexit 1\n");
    chmodSync(bun, 0o755);
    mkdirSync(join(folder, "node_modules/bun"), { recursive: true });
    writeFileSync(join(folder, "node_modules/bun/install.js"), "");
    expect(ready()).toEqual([
      5,
      "Bun was installed without its install script: run `node node_modules/bun/install.js` once, then this again.\n",
    ]);
    writeFileSync(bun, "#!/bin/sh\nexit 0\n");
    expect(ready()).toEqual([0, ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
