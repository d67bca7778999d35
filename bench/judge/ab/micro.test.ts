// The judge of the pool's own price: on trees made by hand whose work is known, and on this tree at smoke size.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureMicro, type MicroOptions } from "./micro.ts";
import { type Tree, workTree } from "./worktree.ts";

const AT = "2026-01-01T00:00:00.000Z";
const OPTIONS: MicroOptions = { strategies: ["fixed"], trials: 4, seconds: 0.001 };
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aoe-micro-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A tree whose pool counts to `loops` in a call; `fixed` has no "late", as ours. */
function treeOf(name: string, loops: number): Tree {
  const root = join(folder, name);
  mkdirSync(join(root, "bench", "micro"), { recursive: true });
  writeFileSync(
    join(root, "bench/micro/pool.bench.ts"),
    `let sum = 0;
export const SITUATIONS = ["free", "late"];
export const cycle = (strategy, situation) => strategy === "fixed" && situation === "late" ? null : () => {
  for (let at = 0; at < ${loops}; at++) sum = (sum * 31 + at) | 0;
};`,
  );
  return { folder: root, program: join(root, "aoe.ts"), revision: name, close() {} };
}

test("a more expensive pool is worse, a cheaper one better", async () => {
  // Twenty times: more than any noise of a busy machine.
  const [plain, costly] = [treeOf("plain", 20), treeOf("costly", 400)];
  const worse = await measureMicro(plain, costly, OPTIONS, AT);
  expect(worse?.comparison.verdict).toBe("worse");
  expect(worse?.control.base.git_revision).toBe("plain");
  const better = await measureMicro(costly, plain, OPTIONS, AT);
  expect(better?.comparison.verdict).toBe("better");
}, 60_000);

test("a row is a strategy in a situation that it knows", async () => {
  const plain = treeOf("plain", 20);
  const both = { ...OPTIONS, strategies: ["scan-swap", "fixed"], trials: 1 };
  const micro = await measureMicro(plain, plain, both, AT);
  const rows = micro?.comparison.cells.map(({ job, axes }) => `${axes.pool} ${job}`);
  expect(rows?.toSorted()).toEqual(["fixed free", "scan-swap free", "scan-swap late"]);
});

test("a revision without the benchmark is not judged", async () => {
  const empty: Tree = { ...treeOf("there", 20), program: join(folder, "nowhere", "aoe.ts") };
  expect(await measureMicro(empty, treeOf("there", 20), OPTIONS, AT)).toBeNull();
});

test("a revision that says where its benchmark stands is believed", async () => {
  const moved = treeOf("moved", 20);
  const place = join(moved.folder, "elsewhere.ts");
  renameSync(join(moved.folder, "bench/micro/pool.bench.ts"), place);
  const answer = JSON.stringify({ micro: place });
  writeFileSync(
    moved.program,
    `console.log(process.argv[3] === "parts" ? ${JSON.stringify(answer)} : "");`,
  );
  const micro = await measureMicro(moved, moved, { ...OPTIONS, trials: 1 }, AT);
  expect(micro?.comparison.cells.length).toBeGreaterThan(0);
});

test("a benchmark that breaks is one sentence", async () => {
  const broken = treeOf("broken", 20);
  writeFileSync(
    join(broken.folder, "bench/micro/pool.bench.ts"),
    `export const SITUATIONS = ["free"];
export const cycle = () => { throw new Error("no pool"); };`,
  );
  const judged = measureMicro(broken, broken, OPTIONS, AT);
  expect(judged).rejects.toThrow(/^The pool's benchmark failed for .*no pool$/);
});

test("this tree's own benchmark has a figure for every strategy it is asked for", async () => {
  const tree = workTree(join(import.meta.dir, "../../.."));
  const micro = await measureMicro(
    tree,
    tree,
    { ...OPTIONS, strategies: ["scan-swap", "fixed"], trials: 1 },
    AT,
  );
  expect(micro?.comparison.cells.length).toBe(5);
  for (const { base } of micro?.comparison.cells ?? []) expect(base.median).toBeGreaterThan(0.5);
  expect(micro?.comparison.warnings.join()).toContain("below 4 there is no verdict");
}, 60_000);
