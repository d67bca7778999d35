// A revision of this program in a folder of its own, with packages of its own, gone when it is closed.
//
//   git worktree add --detach FOLDER REV
//   packages: where the lock file is ours, byte for byte, hard links of ours (no network); else npm ci

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, usage } from "../../../words/failure.ts";
import { runChild } from "../../machine/child.ts";
import { findProgram } from "../../../lab/programs.ts";

export interface Tree {
  readonly folder: string;
  /** aoe.ts in it. */
  readonly program: string;
  /** Full hash; null: the work tree as it is. */
  readonly revision: string | null;
  close(): void;
}

const LOCK = "package-lock.json";

/** The work tree itself: nothing is made, nothing removed. */
export function workTree(root: string): Tree {
  return { folder: root, program: join(root, "aoe.ts"), revision: null, close() {} };
}

export async function checkOut(
  root: string,
  revision: string,
  signal?: AbortSignal,
): Promise<Tree> {
  const hash = git(root, "rev-parse", "--verify", "--quiet", `${revision}^{commit}`);
  if (hash === null || hash === "") {
    throw usage(`Expected \`<revision>\` to be a commit of this repository, got \`${revision}\``);
  }
  const folder = mkdtempSync(join(tmpdir(), "aoe-ab-"));
  const close = (): void => {
    process.off("exit", close);
    git(root, "worktree", "remove", "--force", folder);
    rmSync(folder, { recursive: true, force: true });
    git(root, "worktree", "prune");
  };
  // Also when a signal ends the process in the middle.
  process.on("exit", close);
  try {
    if (git(root, "worktree", "add", "--quiet", "--detach", "--force", folder, hash) === null) {
      throw environment(`git can't make a work tree of ${revision}`);
    }
    await install(root, folder, signal);
  } catch (error) {
    close();
    throw error;
  }
  return { folder, program: join(folder, "aoe.ts"), revision: hash, close };
}

async function install(
  root: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [ours, theirs] = [join(root, LOCK), join(folder, LOCK)];
  const modules = join(root, "node_modules");
  const same =
    existsSync(modules) &&
    existsSync(theirs) &&
    readFileSync(ours, "utf8") === readFileSync(theirs, "utf8");
  if (same) {
    // Hard links across file systems can't be: then a copy.
    for (const how of ["-al", "-a"]) {
      const copy = Bun.spawnSync(["cp", how, modules, join(folder, "node_modules")], {
        stdout: "ignore",
        stderr: "ignore",
      });
      if (copy.exitCode === 0) return;
      rmSync(join(folder, "node_modules"), { recursive: true, force: true });
    }
  }
  const npm = findProgram("npm");
  if (npm === null) {
    throw environment(
      "The revision has other packages than we, and there is no npm to install them",
    );
  }
  const words = [npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const { code, stderr } = await runChild(words, { cwd: folder, signal });
  if (code !== 0) {
    const said = stderr.trim().split("\n").at(-1) ?? "";
    throw environment(`npm ci failed for the revision's packages: ${said}`);
  }
}

/** What git said, trimmed; null: it failed. */
export function git(root: string, ...words: string[]): string | null {
  const { code, out } = runGit(root, words);
  return code === 0 ? out : null;
}

/** Throws the environment Failure with git's own reason where `root` is no repository, or another user's. */
export function requireRepository(root: string): void {
  const { code, err } = runGit(root, ["rev-parse", "--git-dir"]);
  if (code === 0) return;
  const [reason = ""] = err.split("\n");
  throw environment(
    `\`aoe bench ab\` compares revisions in a clone of the project, and git has none here (${reason.replace(/^fatal: /, "")})`,
  );
}

function runGit(root: string, words: readonly string[]) {
  const program = Bun.which("git");
  if (program === null) throw environment("`aoe bench ab` needs git, which is not in PATH");
  const child = Bun.spawnSync([program, "-C", root, ...words], { stdout: "pipe", stderr: "pipe" });
  return {
    code: child.exitCode,
    out: child.stdout.toString().trim(),
    err: child.stderr.toString().trim(),
  };
}
