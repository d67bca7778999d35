// A revision of this program in a folder of its own, gone when it is closed.
//
//   git worktree add --detach FOLDER REV
//   node_modules   a link: all revisions with one lock file share one installation. For our lock
//                  file it is our own (no network); another's is made once, by npm ci

import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environment, expected } from "../../../words/failure.ts";
import { runChild } from "../../machine/child.ts";
import { makeScratch } from "../../machine/scratch.ts";
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
  const hash = commitOf(root, revision);
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

/** Full hash of a commit; a usage Failure where there is none. `what` names the argument. */
export function commitOf(root: string, revision: string, what = "<revision>"): string {
  const hash = git(root, "rev-parse", "--verify", "--quiet", `${revision}^{commit}`);
  if (hash === null || hash === "") throw expected(what, "a commit of this repository", revision);
  return hash;
}

/** By the text of a lock file: the `node_modules` that it made. They go with this process. */
const installations = new Map<string, string>();

async function install(
  root: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const [ours, theirs] = [join(root, LOCK), join(folder, LOCK)];
  const [own, modules] = [join(root, "node_modules"), join(folder, "node_modules")];
  const lock = existsSync(theirs) ? readFileSync(theirs, "utf8") : "";
  const known =
    existsSync(own) && lock === readFileSync(ours, "utf8")
      ? realpathSync(own)
      : installations.get(lock);
  if (known !== undefined) {
    symlinkSync(known, modules);
    return;
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
  // A revision without packages has no folder of them.
  if (!existsSync(modules)) return;
  const shared = join(makeScratch("packages").folder, "node_modules");
  renameSync(modules, shared);
  symlinkSync(shared, modules);
  installations.set(lock, shared);
}

/** What git said, trimmed; null: it failed. */
export function git(root: string, ...words: string[]): string | null {
  const { code, out } = runGit(root, words);
  return code === 0 ? out : null;
}

/**
 * Throws the environment Failure with git's own reason where `root` is no repository, or another
 * user's.
 */
export function requireRepository(root: string, command: string): void {
  const { code, err } = runGit(root, ["rev-parse", "--git-dir"]);
  if (code === 0) return;
  const [reason = ""] = err.split("\n");
  throw environment(
    `\`${command}\` compares revisions in a clone of the project, and git has none here (${reason.replace(/^fatal: /, "")})`,
  );
}

function runGit(root: string, words: readonly string[]) {
  const program = Bun.which("git");
  if (program === null) throw environment("Revisions need git, which is not in PATH");
  const child = Bun.spawnSync([program, "-C", root, ...words], { stdout: "pipe", stderr: "pipe" });
  return {
    code: child.exitCode,
    out: child.stdout.toString().trim(),
    err: child.stderr.toString().trim(),
  };
}
