// Which commits stand between two, and which of them to look at next.

import { expected, usage } from "../../../words/failure.ts";
import { commitOf, git } from "../ab/worktree.ts";

export interface Commit {
  /** Full hash. */
  readonly revision: string;
  /** ISO 8601. */
  readonly committed_at: string;
  readonly subject: string;
}

/**
 * Of `BASE..HEAD`, oldest first; of a merge its first parent's side alone, so that each follows
 * the one before.
 */
export function commitsOf(root: string, range: string): Commit[] {
  const found =
    /^[^-]\S*$/.test(range) && range.includes("..")
      ? log(root, "--first-parent", "--reverse", range)
      : null;
  if (found === null) throw expected("<range>", "a range of commits such as HEAD~20..HEAD", range);
  if (found.length === 0) throw usage(`There is no commit in \`${range}\``);
  return found;
}

/** A usage Failure that names the argument, `what`, where there is none. */
export function commitAt(root: string, revision: string, what: string): Commit {
  const [commit] = log(root, "-1", commitOf(root, revision, what)) ?? [];
  if (commit === undefined) throw expected(what, "a commit of this repository", revision);
  return commit;
}

/** null: git refuses. */
function log(root: string, ...words: string[]): Commit[] | null {
  const text = git(root, "log", "--format=%H%x09%cI%x09%s", ...words, "--");
  if (text === null || text === "") return text === null ? null : [];
  return text.split("\n").map((line) => {
    const [revision = "", committed_at = "", ...subject] = line.split("\t");
    return { revision, committed_at, subject: subject.join("\t") };
  });
}

export function isAncestor(root: string, older: string, newer: string): boolean {
  return git(root, "merge-base", "--is-ancestor", older, newer) !== null;
}

/**
 * The candidates between good ones and a bad one, the bad one among them; the most telling first,
 * as git has it.
 */
export function candidates(root: string, goods: readonly string[], bad: string): string[] {
  const text = git(root, "rev-list", "--bisect-all", bad, ...goods.map((good) => `^${good}`), "--");
  return (text ?? "").split("\n").map((line) => line.split(" ")[0] ?? "");
}
