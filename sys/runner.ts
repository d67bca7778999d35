// A package runner (npx, npm run) between a user and this process: it starts a shell, which starts us.
//
//   npx ─▶ sh -c "'aoe' target …" ─▶ this process
//
// A SIGTERM for npx goes to the shell, which ends without a word to us; SIGHUP and SIGKILL end npx alone. Neither
// tells us anything, so we look: both must still be there. Some shells become their last command: then npx is our
// parent, and passes SIGTERM on. A shell that has put us in the background ends first as a matter of course, and is
// not watched.

import { readFileSync, readlinkSync } from "node:fs";

/** How often both are looked for, ms. */
const EVERY = 200;
/** A single `&` at the end of a command, neither `&&` nor one of `>&`, `&>`. */
const BACKGROUND = /[^&>]&(?![&>])/;

/**
 * Calls `ended` once when the runner of `script` (`npm_lifecycle_script`) or its shell is gone; `node`
 * (`npm_node_execpath`) is what the runner runs on.
 */
export function watchRunner(script: string, node: string, ended: () => void): void {
  const parent = process.ppid;
  const [, flag, command = ""] = read(parent, "cmdline").split("\0");
  const isShell = flag === "-c" && command.startsWith(script) && !BACKGROUND.test(script);
  if (!isShell && programOf(parent) !== node) return;
  const runner = isShell ? parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (!isShell || parentOf(parent) === runner)) return;
    clearInterval(timer);
    ended();
  }, EVERY);
  timer.unref();
}

function programOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return null;
  }
}

function parentOf(pid: number): string | undefined {
  return /^PPid:\s*(\d+)$/m.exec(read(pid, "status"))?.[1];
}

/** Empty where the process is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return "";
  }
}
