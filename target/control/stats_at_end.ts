// `--stats-at-end FILE`: the document of `stats` as the target ends, and how it ended. For programs, which then need
// not read the sentences that it says last.
//
// The file is empty while the target runs, so that one that was killed leaves no figures, and whole at the end.

import { realpathSync, statSync } from "node:fs";

import { describeErrno } from "../../sys/errno.ts";
import { replaceFile } from "../../sys/replace_file.ts";
import { environment, Failure } from "../../words/failure.ts";
import { cantWrite } from "../../words/file_error.ts";
import type { Running } from "./running.ts";
import { type Closing, statsPieces } from "./stats.ts";

/** Empties the file. Throws an environment failure where it can't be written, then or at the end. */
export function openStatsAtEnd(path: string): (running: Running, closing: Closing) => void {
  const what = `the figures ${path}`;
  const write = (text: string): void => {
    let target = path;
    try {
      const there = statSync(path, { throwIfNoEntry: false });
      if (there?.isFile() === false)
        throw environment(`Can't write ${what}: it is no regular file`);
      if (there !== undefined) target = realpathSync(path);
    } catch (error) {
      throw error instanceof Failure ? error : cantWrite(what, error);
    }
    const refused = replaceFile(target, new TextEncoder().encode(text));
    if (refused !== 0) throw environment(`Can't write ${what}: ${describeErrno(-refused)}`);
  };
  write("");
  return (running, closing) => write([...statsPieces(running, null, closing)].join(""));
}
