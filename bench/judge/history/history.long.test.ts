// Commits of a clone whose golden table is a file of theirs, so that each is judged within a
// moment: a history that goes on where it was, and bisections that end at the commit which changed
// it.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../../sys/root.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-history-"));
const clone = join(folder, "clone");
const store = join(folder, "store");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(words: readonly string[], cwd = clone) {
  const child = Bun.spawnSync([...words], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  return { code: child.exitCode, out: child.stdout.toString(), err: child.stderr.toString() };
}

function git(...words: string[]): string {
  const own = ["-c", "safe.directory=*", "-c", "user.name=test", "-c", "user.email=test@localhost"];
  const { code, out, err } = run(["git", ...own, ...words], words[0] === "clone" ? folder : clone);
  if (code !== 0) throw new Error(err);
  return out.trim();
}

const bench = (...words: string[]) => run([process.execPath, "aoe.ts", "bench", ...words]);

/** The stub that stands for a revision's table, and what each commit says its rows are. */
const STUB = `import { readFileSync } from "node:fs";
export const goldenTable = () => readFileSync(new URL("../../table.txt", import.meta.url), "utf8");
export const formatTable = (text) => {
  if (text.startsWith("broken")) throw new Error("invariant: planted");
  return text;
};
`;
const COUNTS = `import { readFileSync } from "node:fs";
const golden = readFileSync(new URL("../../table.txt", import.meta.url), "utf8");
console.log("# Counts of 250 commands each, Bun 1");
console.log("initiator memory read objects total", golden.includes("900") ? 250 : 0);
`;
const HEAD_LINE =
  "strategy cap delay lanes reclaim commands dry kicks stall_ns allocations retransmits commands_per_s";
const ROW = "scan-swap 64 5us 1 eager 400 2 1 100 48 0 ";
const tableOf = (rate: number, dry = 2): string =>
  `${HEAD_LINE}\n${ROW.replace("400 2", `400 ${dry}`)}${rate}\nfixed - 5us 1 eager 400 0 0 0 0 0 500\n`;

function commit(subject: string, table: string): string {
  writeFileSync(join(clone, "table.txt"), table);
  git("add", "table.txt");
  git("commit", "-q", "--allow-empty", "-m", subject);
  return git("rev-parse", "HEAD");
}

const inGit = Bun.which("git") !== null && run(["git", "rev-parse", "HEAD"], ROOT).code === 0;

describe.skipIf(!inGit)(`commits${inGit ? "" : " (skipped: not in a git repository)"}`, () => {
  let good = "";
  let mutant = "";
  beforeAll(() => {
    git("clone", "-q", "--no-hardlinks", `file://${ROOT}`, clone);
    symlinkSync(join(ROOT, "node_modules"), join(clone, "node_modules"));
    writeFileSync(join(clone, "testing/sim/golden.ts"), STUB);
    // Counted in seconds, by a test of its own.
    writeFileSync(join(clone, "bench/counts/print_counts.ts"), COUNTS);
    git("commit", "-qam", "stub");
    good = commit("good", tableOf(1000));
    for (let at = 1; at <= 20; at++) {
      const hash = commit(`commit ${at}`, at < 11 ? tableOf(1000) : tableOf(900, 3));
      if (at === 11) mutant = hash;
    }
  }, 60_000);

  const lines = (): string[] =>
    readFileSync(join(store, "exact.ndjson"), "utf8").trim().split("\n");

  test("a history has a line a commit, and a second run measures nothing", () => {
    const first = bench("history", "HEAD~20..HEAD", "--exact", "--store", store, "--json");
    expect(first.err).toContain("20 of 20 commits measured");
    expect(first.code).toBe(0);
    expect(lines().length).toBe(20);
    // Equal tables are one file.
    expect(readdirSync(join(store, "tables")).length).toBe(2);
    const { commits } = JSON.parse(first.out);
    const moved = commits.filter((one: { moves: unknown[] }) => one.moves.length > 0);
    expect(moved).toMatchObject([
      {
        revision: mutant,
        exact: { verdict: "worse" },
        moves: [
          { strategy: "scan-swap", figure: "commands_per_s", worse: 1, better: 0 },
          { strategy: "scan-swap", figure: "dry", worse: 1, better: 0 },
          { strategy: "initiator", figure: "objects", most: { before: 0, after: 1 } },
        ],
      },
    ]);
    const second = bench("history", "HEAD~20..HEAD", "--store", store);
    expect(second.err).toContain("0 of 20 commits measured");
    expect(lines().length).toBe(20);
    expect(second.out).toContain("scan-swap commands_per_s  ?·········−·········\n");
    expect(second.out).toContain("initiator objects         ?·········−·········\n");
  }, 60_000);

  test("a line that was cut off is measured again, and the others stay", () => {
    const all = readFileSync(join(store, "exact.ndjson"), "utf8");
    writeFileSync(join(store, "exact.ndjson"), all.slice(0, -20));
    const again = bench("history", "HEAD~20..HEAD", "--store", store);
    expect(again.err).toContain("1 of 20 commits measured");
    expect(lines().length).toBe(21);
    expect(bench("history", "HEAD~20..HEAD", "--store", store).err).toContain("0 of 20");
  }, 60_000);

  test.each(["exact", "commands_per_s", "dry", "objects"])(
    "bisect finds the mutant by %s",
    (metric) => {
      const found = bench("bisect", good, "HEAD", "--metric", metric, "--store", store, "--json");
      expect(found.code).toBe(0);
      const { first, steps } = JSON.parse(found.out);
      expect(first).toBe(mutant);
      expect(steps.length).toBeLessThanOrEqual(Math.ceil(Math.log2(20)) + 1);
    },
  );

  test("what did not get worse has nothing to bisect", () => {
    const { code, err } = bench("bisect", good, "HEAD", "--metric", "kicks", "--store", store);
    expect(err).toContain("Nothing to bisect: `<bad>` is same beside `<good>`");
    expect(code).toBe(2);
    expect(bench("bisect", "HEAD", good, "--store", store).err).toContain("to be an ancestor");
  });

  test("a commit that decides nothing is left out, and named where it may be the one", () => {
    git("checkout", "-q", "--detach", good);
    const mixed = `${HEAD_LINE}\nscan-swap 64 5us 1 eager 400 3 0 100 48 0 1000\n`;
    const last = [
      commit("before", tableOf(1000)),
      commit("undecided", mixed),
      commit("worse", tableOf(900)),
    ];
    const found = bench("bisect", good, "HEAD", "--store", store, "--json");
    expect(found.code).toBe(4);
    const { first, left } = JSON.parse(found.out);
    expect(first).toBeNull();
    expect(left.toSorted()).toEqual(last.slice(1).toSorted());
    // ab says of the same commit what git bisect run skips by.
    const codes = [
      ["HEAD~2", 0],
      ["HEAD~1", 125],
      ["HEAD", 1],
      ["no-such", 128],
    ] as const;
    for (const [revision, code] of codes) {
      const judged = bench("ab", good, revision, "--only", "exact", "--git-bisect");
      expect([revision, judged.code]).toEqual([revision, code]);
    }
  }, 60_000);

  test("a broken invariant is worse, and a mark of its own", () => {
    git("checkout", "-q", "--detach", good);
    commit("fine", tableOf(1000));
    const broken = commit("breaks", "broken");
    const found = bench("bisect", good, "HEAD", "--metric", "kicks", "--store", store, "--json");
    expect(JSON.parse(found.out).first).toBe(broken);
    const { out } = bench("history", `${good}..HEAD`, "--store", store);
    expect(out).toContain("broken invariant in the head: invariant: planted");
  }, 60_000);

  test("no work tree is left", () => {
    expect(git("worktree", "list").split("\n").length).toBe(1);
  });
});

test.each([
  [
    ["history", "HEAD"],
    "Expected `<range>` to be a range of commits such as HEAD~20..HEAD, got `HEAD`",
  ],
  [["history", "HEAD..HEAD"], "There is no commit in `HEAD..HEAD`"],
  [
    ["bisect", "nowhere", "HEAD"],
    "Expected `<good>` to be a commit of this repository, got `nowhere`",
  ],
  [["bisect", "HEAD", "HEAD", "--metric", "luck"], "Expected `--metric` to be one of"],
])("%j is one sentence", (words, sentence) => {
  const { code, err } = run([process.execPath, "aoe.ts", "bench", ...words], ROOT);
  expect(err).toContain(sentence);
  expect(code).toBe(2);
});
