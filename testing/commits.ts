// The form of the branch's own commits, checked by `npm run check`: `area: change` in at most 72 characters, and a body
// that says why.
//
//   own:  those since the merge base with origin's default branch
//         where there is none: those after the revision that brought this file
//
// Outside a git work tree there is nothing to check. A shallow clone seems to begin with this file.

import { join } from "node:path";

const MOST = 72;
const FORM = /^[a-z0-9][a-z0-9 ,._/-]*: \S/;
/** Lines that tools put at the end of a message: no reasons. */
const TRAILER = /^[A-Z][A-Za-z]*(?:-[A-Za-z]+)+: /;

export interface Commit {
  readonly revision: string;
  readonly message: string;
}

/** What is wrong with a message, a sentence each. */
export function faultsOf(message: string): string[] {
  const [subject = "", ...rest] = message.trimEnd().split("\n");
  const body = rest.filter((line) => line.trim() !== "" && !TRAILER.test(line));
  return [
    ...(FORM.test(subject) ? [] : ["Expected the subject to be `area: change`"]),
    ...([...subject].length > MOST ? [`Expected a subject of ${MOST} characters at most`] : []),
    ...(rest[0] === undefined || rest[0] === ""
      ? []
      : ["Expected an empty line below the subject"]),
    ...(body.length === 0 ? ["Expected a body that says why"] : []),
  ];
}

/** The branch's own commits, the newest first. */
export function ownCommits(folder: string): Commit[] {
  // The tree of a package that is installed in somebody's repository is not that repository's.
  if (git(folder, "rev-parse", "--show-prefix") !== "") return [];
  const base = branchPoint(folder) ?? introduced(folder);
  if (base === null) return [];
  const log = git(folder, "log", "--no-merges", "--format=%h%x00%B%x01", `${base}..HEAD`) ?? "";
  return log.split("\x01").flatMap((entry) => {
    const [revision = "", message] = entry.trim().split("\0");
    return message === undefined ? [] : [{ revision, message }];
  });
}

function branchPoint(folder: string): string | null {
  for (const name of ["HEAD", "main", "master"]) {
    const base = git(folder, "merge-base", "HEAD", `refs/remotes/origin/${name}`);
    if (base !== null) return base;
  }
  return null;
}

function introduced(folder: string): string | null {
  const file = "testing/commits.ts";
  const added = git(folder, "log", "--diff-filter=A", "--format=%H", "HEAD", "--", file);
  return added?.split("\n").at(-1) || null;
}

/** What git answers; null: it refuses, or is absent. */
function git(folder: string, ...words: string[]): string | null {
  const program = Bun.which("git");
  if (program === null) return null;
  const run = Bun.spawnSync([program, "-C", folder, ...words], { stderr: "ignore" });
  return run.exitCode === 0 ? run.stdout.toString().trim() : null;
}

if (import.meta.main) {
  const faults = ownCommits(join(import.meta.dir, "..")).flatMap(({ revision, message }) =>
    faultsOf(message).map((fault) => `${revision} ${message.split("\n")[0]}\n  ${fault}\n`),
  );
  process.stderr.write(faults.join(""));
  process.exitCode = faults.length > 0 ? 1 : 0;
}
