// The programs in C that stand beside ours as limits, compiled where a compiler is.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../lab/programs.ts";
import { ownFile } from "../../sys/root.ts";

/** Name of the program, name of its source. */
const PROGRAMS = { "echo-socket": "echo_socket.c", "echo-ring": "echo_ring.c", load: "load.c" };
const SOURCES = [...Object.values(PROGRAMS), "answer.h"];

/** Leaves the programs in `folder`; null, or why there are none, as the beginning of a sentence. */
export function compileLimits(folder: string): string | null {
  const compiler = ["cc", "gcc", "clang"].map(findProgram).find((path) => path !== null);
  if (compiler === undefined) return "There is no C compiler (apt install gcc libc6-dev)";
  // A compiler can't read what is built into an executable.
  for (const source of SOURCES) {
    copyFileSync(ownFile(`bench/peers/${source}`), join(folder, source));
  }
  for (const [name, source] of Object.entries(PROGRAMS)) {
    const copy = join(folder, source);
    const run = Bun.spawnSync([compiler, "-O2", "-o", join(folder, name), copy], {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
    });
    if (run.exitCode !== 0) {
      const said = run.stderr
        .toString()
        .split("\n")
        .find((line) => line.includes("error"));
      return `${compiler} can't compile ${source} (${said?.trim() ?? `code ${run.exitCode}`})`;
    }
  }
  return null;
}
