// The program as `ab` runs it, on copies of the tree in which a command costs one thing more: each
// is named, and a copy without a change has the same counts.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { probeLab } from "../../lab/lab.ts";
import { ROOT } from "../../sys/root.ts";
import { compareCounts, countsOf } from "../judge/ab/counts.ts";

const folder = mkdtempSync(join(tmpdir(), "aoe-counts-"));
const tree = join(folder, "tree");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...words: string[]): string {
  const child = Bun.spawnSync(words, { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  if (child.exitCode !== 0) throw new Error(child.stderr.toString());
  return child.stdout.toString();
}

const inGit =
  Bun.which("git") !== null &&
  Bun.spawnSync(["git", "rev-parse", "HEAD"], { cwd: ROOT }).exitCode === 0;
const lab = probeLab({ mtu: 9000 });
const NOT_HERE = inGit ? (lab.available ? "" : lab.reason) : "not in a git repository";
const WITHOUT = NOT_HERE === "" ? "" : ` (skipped: ${NOT_HERE})`;

const count = async (): Promise<string> => (await countsOf(join(tree, "aoe.ts"), undefined)) ?? "";

let plain = "";
beforeAll(async () => {
  if (NOT_HERE !== "") return;
  run("git", "-c", "safe.directory=*", "clone", "-q", `file://${ROOT}`, tree);
  symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
  plain = await count();
}, 120_000);

const KEPT = "\nexport const kept: { last: object | null } = { last: null };\n";

/** A file, a line of it, and what stands before that line in the copy. */
const PLANTED = {
  "an object in the initiator's transmit": {
    file: "initiator/protocol/outstanding.ts",
    before: "    if (!path.port.link.transmit(",
    code: "    kept.last = { now };\n",
    end: KEPT,
    found: /^worse: initiator memory .*: objects 0 → 1 a command \(Object 0 → 1\)$/,
    cells: "initiator",
  },
  "an object in the target's answer": {
    file: "target/protocol/target.ts",
    before: "      if (!port.link.transmit(",
    code: "      kept.last = { request };\n",
    end: KEPT,
    found: /^worse: target memory .*: objects 0 → 1 a command \(Object 0 → 1\)$/,
    cells: "target",
  },
  "a system call": {
    file: "link/packet.ts",
    before: "      const code = path.send(",
    code: "      sender.queuedBytes();\n",
    end: "",
    found: /^worse: initiator packet .*: system calls 1.04 → 2.04 a command \(ioctl 0 → 1\)$/,
    cells: "",
  },
  "a copy": {
    file: "target/stores/memory.ts",
    before: "      copyMemory(memory, lba * SECTOR, into, offset, count * SECTOR);",
    code: "      copyMemory(memory, lba * SECTOR, into, offset, SECTOR);\n",
    end: "",
    found: /^worse: target memory .*: copies 2 → 3 a command \(copyMemory 1 → 2\)$/,
    cells: "target",
  },
} as const;

test.skipIf(NOT_HERE !== "")(
  `two counts of one tree are equal${WITHOUT}`,
  async () => {
    const counts = compareCounts(plain, await count());
    expect([counts.verdict, counts.differences]).toEqual(["same", []]);
    expect(counts.cells).toBeGreaterThan(50);
  },
  120_000,
);

test.skipIf(NOT_HERE !== "").each(Object.entries(PLANTED))(
  `%s more per command is named${WITHOUT}`,
  async (_, { file, before, code, end, found, cells }) => {
    const path = join(tree, file);
    const text = readFileSync(path, "utf8");
    expect(text.split(before).length).toBe(2);
    writeFileSync(path, text.replace(before, code + before) + end);
    try {
      const counts = compareCounts(plain, await count());
      expect(counts.verdict).toBe("worse");
      expect(counts.differences.filter((line) => found.test(line)).length).toBe(1);
      expect(counts.changes.filter(({ cell }) => !cell.startsWith(cells))).toEqual([]);
    } finally {
      writeFileSync(path, text);
    }
  },
  120_000,
);
