import { afterAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { faultsOf, ownCommits } from "./commits.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-commits-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const GOOD = "wire: read tags of 32 bits\n\nThey were cut to 31.\n";

test.each([
  [GOOD, []],
  ["link, target: 3 of 4\n\nWhy.", []],
  ["Read tags\n\nWhy.", ["Expected the subject to be `area: change`"]],
  [`wire: ${"x".repeat(67)}\n\nWhy.`, ["Expected a subject of 72 characters at most"]],
  [`wire: ${"ä".repeat(66)}\n\nWhy.`, []],
  ["wire: read tags\n", ["Expected a body that says why"]],
  ["wire: read tags\n\nSigned-off-by: A <a@b>", ["Expected a body that says why"]],
  ["wire: read tags\nWhy.", ["Expected an empty line below the subject"]],
])("%j", (message, faults) => expect(faultsOf(message)).toEqual([...faults]));

/** Git with no configuration but ours. Throws with what it said. */
function git(at: string, ...words: string[]): void {
  const who = ["-c", "user.name=A", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"];
  const run = Bun.spawnSync(["git", "-C", at, ...who, ...words], {
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" },
  });
  if (run.exitCode !== 0) throw new Error(`git ${words.join(" ")}: ${run.stderr.toString()}`);
}

function commit(at: string, message: string): void {
  git(at, "commit", "-q", "--allow-empty", "-m", message);
}

/** What `npm run check` runs in a checkout. */
function check(at: string): { code: number; said: string } {
  mkdirSync(join(at, "testing"), { recursive: true });
  const program = join(at, "testing/commits.ts");
  copyFileSync(join(import.meta.dir, "commits.ts"), program);
  const run = Bun.spawnSync([process.execPath, program]);
  return { code: run.exitCode, said: run.stderr.toString() };
}

describe.skipIf(Bun.which("git") === null)("own commits (skipped where git is absent)", () => {
  const origin = join(folder, "origin");
  const subjects = (at: string): string[] =>
    ownCommits(at).map(({ message }) => message.split("\n")[0] ?? "");

  test("without origin: those after the revision that brought the check", () => {
    mkdirSync(join(origin, "testing"), { recursive: true });
    git(origin, "init", "-q");
    commit(origin, "Of before, and without a body");
    writeFileSync(join(origin, "testing/commits.ts"), "");
    git(origin, "add", "testing");
    commit(origin, "Brings it");
    expect(subjects(origin)).toEqual([]);
    commit(origin, GOOD);
    expect(check(origin)).toEqual({ code: 0, said: "" });
    commit(origin, "A bad one");
    expect(subjects(origin)).toEqual(["A bad one", "wire: read tags of 32 bits"]);
    const { code, said } = check(origin);
    expect(code).toBe(1);
    expect(said).toContain("A bad one\n  Expected the subject to be `area: change`\n");
  });

  test("a fresh clone and a shallow one have none of their own, then what is committed there", () => {
    for (const depth of [[], ["--depth", "1"]]) {
      const clone = join(folder, `clone${depth.length}`);
      git(folder, "clone", "-q", ...depth, `file://${origin}`, clone);
      expect(check(clone)).toEqual({ code: 0, said: "" });
      commit(clone, "Another bad one");
      expect(subjects(clone)).toEqual(["Another bad one"]);
      expect(check(clone).code).toBe(1);
      git(clone, "remote", "remove", "origin");
      expect(subjects(clone).at(0)).toBe("Another bad one");
    }
  });

  test("outside git, and below somebody's repository, nothing is said", () => {
    const outside = join(folder, "outside");
    expect(check(outside)).toEqual({ code: 0, said: "" });
    const below = join(origin, "node_modules/aoe");
    expect(check(below)).toEqual({ code: 0, said: "" });
  });
});
