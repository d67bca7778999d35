// Where the program's own files are: the top of its tree. An executable (bin/executable.ts) has those that it needs
// built in, by the same paths.

import { dirname, join } from "node:path";

/** This program is one executable, without a tree of sources. */
export const BUILT_IN: boolean = Bun.isStandaloneExecutable;

// All modules of an executable stand at its top.
export const ROOT: string = BUILT_IN ? import.meta.dir : dirname(import.meta.dir);

/** A file of the program by its path from the top: to be read, or to be started as `process.execPath FILE`. */
export function ownFile(path: string): string {
  return join(ROOT, path);
}

/** A module of the program, for `new Worker`. */
export function ownWorker(path: string): string {
  return ownFile(BUILT_IN ? path.replace(/\.ts$/, ".js") : path);
}

/** Whether this process was started by that file of the program. */
export function isStarted(path: string): boolean {
  return process.argv[1] === ownFile(path);
}
