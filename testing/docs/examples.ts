// The commands of a page, run as they stand. The test of the page runs a block marked `sh` in a directory of
// its own from which `npx aoe` and `fixtures/` are what they are at the top of the repository.
//
//   ```sh         run            ```sh git    run in a git repository only
//                 needs a lab, or a late lab: without one it is skipped, with the reason
//   ```sh nbd     run where what speaks NBD is installed, and mkfs.ext4 with its fsck
//   ```sh slow    not run: the page says why
//   ```           for the reader only

import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "bun:test";
import { git } from "../../bench/judge/ab/worktree.ts";
import { probeLab, requireLab } from "../../lab/lab.ts";
import { findProgram } from "../../lab/programs.ts";

const ROOT = join(import.meta.dir, "../..");

/** What takes 30 s takes minutes on a machine with four busy loops a core. */
const HANG_MS = 400_000;

interface Block {
  /** `git`, `nbd`, `slow` or nothing. */
  readonly mark: string;
  readonly text: string;
}

export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```sh ?(\w*)\n(.*?)^```$/gms)].map(([, mark = "", text = ""]) => ({
    mark,
    text,
  }));
}

/** What the blocks marked `nbd` run. */
const NBD_PROGRAMS = ["qemu-img", "nbdcopy", "nbdinfo", "fio", "mkfs.ext4", "fsck.ext4"];

/** A test for each block that is to be run; `check` looks at what it left in its directory and what it said. */
export function testBlocks(
  blocks: readonly Block[],
  check: (block: string, directory: string, said: string) => void = () => {},
): void {
  const repository = Bun.which("git") !== null && git(ROOT, "rev-parse", "HEAD") !== null;
  for (const [index, { mark, text }] of blocks.entries()) {
    if (mark === "slow") continue;
    const [first = ""] = text.split("\n");
    const name = `block ${index + 1}: ${first}`;
    const late = /--late\b|late\.toml/.test(text);
    const needsLab = late || text.includes("aoe lab");
    const lab = probeLab({ late });
    if (needsLab && !lab.available) {
      test.skip(`${name}: ${lab.reason}`, () => {});
      continue;
    }
    if (mark === "git" && !repository) {
      test.skip(`${name}: not in a git repository`, () => {});
      continue;
    }
    const absent =
      mark === "nbd" ? NBD_PROGRAMS.filter((program) => findProgram(program) === null) : [];
    if (absent.length > 0) {
      test.skip(`${name}: ${absent.join(", ")} absent`, () => {});
      continue;
    }
    test(
      name,
      () => {
        if (needsLab) requireLab({ late });
        inScratch((cwd) => {
          const run = Bun.spawnSync(["sh", "-e", "-c", text], {
            cwd,
            stdin: "ignore",
            stdout: "pipe",
            stderr: "pipe",
            timeout: HANG_MS,
          });
          const said = `${run.stdout.toString()}${run.stderr.toString()}`;
          // What it said tells why.
          if (run.exitCode !== 0) throw new Error(`exit code ${run.exitCode}: ${said}`);
          expect(said).not.toContain("error:");
          check(text, cwd, said);
        });
      },
      HANG_MS + 10_000,
    );
  }
}

function inScratch(work: (directory: string) => void): void {
  mkdirSync(join(ROOT, ".tmp"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".tmp", "examples-"));
  try {
    symlinkSync(join(ROOT, "fixtures"), join(directory, "fixtures"));
    work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
