// Whom tests run commands as: everybody must be able to make a lab, so where tests run as root the
// same is tried as nobody, in a home that nobody may write.

import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { findProgram } from "../../lab/programs.ts";

export interface User {
  readonly name: string;
  /** Put before a command line. */
  readonly prefix: readonly string[];
  readonly env: Record<string, string>;
}

const NOBODY = 65534;

/**
 * Ourselves, and nobody when we are root and nobody can run our bun. Home folders that were made go
 * with the process.
 */
export function usersToTry(): User[] {
  const root = process.getuid?.() === 0;
  const users: User[] = [{ name: root ? "root" : "an ordinary user", prefix: [], env: {} }];
  const setpriv = findProgram("setpriv");
  if (!root || setpriv === null) return users;
  const home = mkdtempSync(join(tmpdir(), "aoe-nobody-"));
  chownSync(home, NOBODY, NOBODY);
  process.on("exit", () => rmSync(home, { recursive: true, force: true }));
  const nobody: User = {
    name: "nobody",
    prefix: [setpriv, `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups"],
    env: { HOME: home, TMPDIR: home },
  };
  const able = Bun.spawnSync([...nobody.prefix, process.execPath, "-e", "0"], {
    env: { ...process.env, ...nobody.env },
    stdout: "ignore",
    stderr: "ignore",
  });
  if (able.exitCode === 0) users.push(nobody);
  else console.log(`Not tried as nobody, who may not run ${process.execPath}`);
  return users;
}
