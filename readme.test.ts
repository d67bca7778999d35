// README is true: each block of shell commands in it runs as shown, but for the installation and what
// needs a real interface. Each block starts in a directory of its own, from which `npx aoe` and
// `fixtures/` are what they are at the top of the repository.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "bun:test";

import { probeLab, requireLab } from "./bench/lab/lab.ts";

const README = readFileSync(join(import.meta.dir, "README.md"), "utf8");

/** The fenced blocks marked `sh`: those without a mark are for the reader's own hands. */
function blocks(text: string): string[] {
  return [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, body]) => body ?? "");
}

const commands = blocks(README).filter((block) => !/^npm |^bun install/m.test(block));
const lab = probeLab();

function inScratch<Result>(work: (directory: string) => Result): Result {
  mkdirSync(join(import.meta.dir, ".tmp"), { recursive: true });
  const directory = mkdtempSync(join(import.meta.dir, ".tmp", "readme-"));
  try {
    symlinkSync(join(import.meta.dir, "fixtures"), join(directory, "fixtures"));
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("README", () => {
  test("has commands, the two main ones among its blocks", () => {
    expect(commands.length).toBeGreaterThan(4);
    expect(README).toContain("npm install && npm run demo");
    expect(README).toContain("npm install && npm test");
  });

  test("says that AoE has no authentication and belongs on a network of its own", () => {
    expect(README).toContain("no authentication");
    expect(README).toContain("network of its own");
  });

  commands.forEach((block, index) => {
    const [first = ""] = block.split("\n");
    const name = `block ${index + 1}: ${first}`;
    if (block.includes("aoe lab") && !lab.available) {
      test.skip(`${name}: ${lab.reason}`, () => {});
      return;
    }
    test(
      name,
      () => {
        if (block.includes("aoe lab")) requireLab();
        inScratch((cwd) => {
          const run = Bun.spawnSync(["sh", "-e", "-c", block], {
            cwd,
            stdin: "ignore",
            stdout: "pipe",
            stderr: "pipe",
          });
          const said = `${run.stdout.toString()}${run.stderr.toString()}`;
          expect({ code: run.exitCode, said }).toEqual({ code: 0, said });
          expect(said).not.toContain("error:");
        });
      },
      60_000,
    );
  });
});
