// Three mutants of the pool, each a commit in a clone of this repository, and `aoe bench ab` on each: all must be
// told as worse, or as a broken invariant. And tables made by hand, for which way a difference goes.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareTables } from "./exact.ts";
import { requireRepository } from "./worktree.ts";

const ROOT = join(import.meta.dir, "../../..");
const MUTANTS = join(ROOT, "fixtures/mutants");
/** What each must be told as. */
const FOUND: Readonly<Record<string, string>> = {
  "ignores_cap.patch": "broken",
  "leak.patch": "broken",
  "tests_tail.patch": "worse",
};

function run(words: readonly string[], cwd: string) {
  const child = Bun.spawnSync([...words], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}
const git = (cwd: string, ...words: string[]) =>
  run(
    [
      "git",
      "-c",
      "safe.directory=*",
      "-c",
      "user.name=test",
      "-c",
      "user.email=test@localhost",
      ...words,
    ],
    cwd,
  );

const inGit = Bun.which("git") !== null && git(ROOT, "rev-parse", "HEAD").code === 0;

test.skipIf(!inGit)(
  `each mutant is found by ab${inGit ? "" : " (skipped: not in a git repository)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-mutants-"));
    try {
      const clone = join(folder, "clone");
      const made = git(folder, "clone", "-q", "--no-hardlinks", `file://${ROOT}`, clone);
      expect(`${made.code} ${made.err}`).toBe("0 ");
      symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
      // Counted in seconds, by a test of its own.
      const counts = "// Counts nothing.\n";
      writeFileSync(join(clone, "bench/counts/print_counts.ts"), counts);
      git(clone, "commit", "-qam", "stub");
      const base = git(clone, "rev-parse", "HEAD").out.trim();
      expect(readdirSync(MUTANTS).sort()).toEqual(Object.keys(FOUND));
      for (const [patch, wanted] of Object.entries(FOUND)) {
        git(clone, "checkout", "-q", "--detach", base);
        const applied = git(clone, "apply", join(MUTANTS, patch));
        expect(`${patch} ${applied.code} ${applied.err}`).toBe(`${patch} 0 `);
        git(clone, "commit", "-qam", patch);
        // Of a broken head no other judge is asked.
        const only = wanted === "broken" ? [] : ["--only", "exact"];
        const words = [process.execPath, "aoe.ts", "bench", "ab", base, "HEAD", ...only, "--json"];
        const judged = run(words, clone);
        expect(judged.code).toBe(3);
        const { verdict, exact, said } = JSON.parse(judged.out);
        expect(said).toEqual({ exact: "worse" });
        expect([patch, verdict, exact.verdict]).toEqual([patch, "worse", wanted]);
        if (wanted === "broken")
          expect(exact.sentence).toContain("invariant: created ≤ preallocated + cap");
      }
      // Nothing is left of the work trees.
      expect(git(clone, "worktree", "list").out.trim().split("\n").length).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  600_000,
);

test.skipIf(!inGit)(
  `trials that fail end ab with 1, whatever is left says${inGit ? "" : " (skipped: not in a git repository)"}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "aoe-ab-failing-"));
    try {
      const job = join(folder, "job.toml");
      // Of the two cells nobody answers in the second.
      const keys = [
        'link = "virtual"',
        'faults = { none = "", deaf = "tx:drop:100%" }',
        'runtime = "1ms"',
        'warm_up = "0s"',
        'ramp_time = "0s"',
      ];
      writeFileSync(job, `[cells]\n${keys.join("\n")}\n`);
      const words = ["bench", "ab", "HEAD", "--only", "sockets", "--job", job, "--set", "trials=1"];
      const judged = run([process.execPath, "aoe.ts", ...words, "--json"], ROOT);
      expect(judged.err).toContain(
        "3 trials failed: these figures are of the others.\nSAME: same by sockets.\n",
      );
      expect(judged.code).toBe(1);
      const { failed_trials: failed, sockets } = JSON.parse(judged.out);
      expect(failed).toBe(3);
      // What is left is judged all the same.
      expect(sockets.comparison.cells.length).toBe(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  60_000,
);

test("no repository, or another user's, is one sentence with git's own reason", () => {
  const folder = mkdtempSync(join(tmpdir(), "aoe-no-git-"));
  try {
    expect(() => requireRepository(folder, "aoe bench ab")).toThrow(
      /^`aoe bench ab` compares revisions in a clone of the project, and git has none here \(not a git repository/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const table = (...rows: string[]): string =>
  [
    "# a title",
    "strategy cap delay lanes reclaim commands dry kicks stall_ns allocations retransmits commands_per_s",
    ...rows,
  ].join("\n");
const ROW = "scan-swap 64 5us 1 eager 400 2 1 100 48 0 1000";

test.each([
  ["scan-swap 64 5us 1 eager 400 2 1 100 48 0 1000", "same"],
  ["scan-swap 64 5us 1 eager 400 2 1 100 48 0 999", "worse"],
  ["scan-swap 64 5us 1 eager 400 9 1 100 48 0 1001", "better"],
  ["scan-swap 64 5us 1 eager 400 2 1 100 49 0 1000", "worse"],
  ["scan-swap 64 5us 1 eager 400 2 0 100 48 0 1000", "better"],
  ["scan-swap 64 5us 1 eager 400 1 1 100 49 0 1000", "changed"],
])("a row that becomes %s: %s", (row, verdict) => {
  const exact = compareTables(table(ROW), table(row));
  expect(exact.verdict).toBe(verdict as typeof exact.verdict);
  expect(exact.rows).toBe(1);
  expect(exact.differences.length).toBe(verdict === "same" ? 0 : 1);
});

test("more extra buffers than the cap are broken, however fast", () => {
  const exact = compareTables(table(ROW), table("scan-swap 64 5us 1 eager 400 0 0 0 65 0 9000"));
  expect(exact.verdict).toBe("broken");
  expect(exact.sentence).toContain("1 of 1 rows of the golden table have more extra buffers");
  expect(exact.differences).toEqual(["broken: scan-swap 64 5us 1 eager: allocations 65, cap 64"]);
  // A pool without a cap may allocate for each send.
  const uncapped = "per-send - 5us 1 eager 400 0 0 0 400 0 1000";
  expect(compareTables(table(uncapped), table(uncapped)).verdict).toBe("same");
});

test.each([
  [
    ["ab", "no-such-revision"],
    2,
    "Expected `<revision>` to be a commit of this repository, got `no-such-revision`",
  ],
  [
    ["ab", "HEAD", "--only", "luck"],
    2,
    "Expected `--only` to be some of exact,micro,cost,sockets, got `luck`",
  ],
])("%j ends with %d and one sentence", (words, code, sentence) => {
  const judged = run([process.execPath, "aoe.ts", "bench", ...words], ROOT);
  expect(judged.err.trim()).toBe(sentence);
  expect(judged.code).toBe(code);
});
