// The programs in C: the load that drives targets, and the limits that stand beside ours.

import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../lab/programs.ts";
import { ownFile } from "../../sys/root.ts";
import { environment } from "../../words/failure.ts";

/** Name of the program, name of its source. */
const PROGRAMS = { "echo-socket": "echo_socket.c", "echo-ring": "echo_ring.c", load: "load.c" };
const SOURCES = [...Object.values(PROGRAMS), "answer.h", "ring.h"];

export function findCompiler(): string | null {
  return ["cc", "gcc", "clang"].map(findProgram).find((path) => path !== null) ?? null;
}

/** Leaves the programs in `folder`. */
export function compileLimits(folder: string): void {
  const compiler = findCompiler();
  if (compiler === null) {
    throw environment(
      "There is no C compiler for the load that drives targets (apt install gcc libc6-dev)",
    );
  }
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
      throw environment(
        `${compiler} can't compile ${source}: ${said?.trim() ?? `code ${run.exitCode}`}`,
      );
    }
  }
}
