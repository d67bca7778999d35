import { describe, expect, test } from "bun:test";
import { compareCounts, splitCounts } from "./counts.ts";
import { judgeExact } from "./exact.ts";

const HEADING = "# Counts of 250 commands each, Bun 1\n";
const text = (...lines: readonly string[]): string =>
  HEADING + lines.map((line) => `${line}\n`).join("");
const PLAIN = text(
  "initiator memory read-512/fixed objects total 0",
  "initiator memory read-512/fixed copies total 500",
  "initiator memory read-512/fixed copies copyMemory 500",
  "target memory read-512 objects total 0",
  "target memory read-512 copies total 500",
  "target memory read-512 copies copyMemory 500",
);
const more = (cell: string): string =>
  PLAIN.replace(`${cell} objects total 0`, `${cell} objects total 250\n${cell} objects Object 250`);
const POOLS = "strategy cap delay lanes reclaim commands_per_s\nfixed - 5us 1 eager 500\n";

test("equal counts are the same", () => {
  const counts = compareCounts(PLAIN, PLAIN);
  expect([counts.verdict, counts.sentence]).toEqual([
    "same",
    "All counts per command are equal in 2 cells.",
  ]);
});

describe("a change by one", () => {
  test.each(["initiator memory read-512/fixed", "target memory read-512"])(
    "object in %s",
    (cell) => {
      const counts = compareCounts(PLAIN, more(cell));
      expect(counts.verdict).toBe("worse");
      expect(counts.differences).toEqual([
        `worse: ${cell}: objects 0 → 1 a command (Object 0 → 1)`,
      ]);
      expect(counts.changes[0]).toEqual({
        cell,
        kind: "objects",
        name: "total",
        base: 0,
        head: 250,
      });
      expect(compareCounts(more(cell), PLAIN).verdict).toBe("better");
    },
  );

  test("in all commands together is one too", () => {
    const once = PLAIN.replace("read-512/fixed objects total 0", "read-512/fixed objects total 1");
    expect(compareCounts(PLAIN, once).differences).toEqual([
      "worse: initiator memory read-512/fixed: objects 0 → 0.004 a command",
    ]);
  });

  test("more of one kind and fewer of another is mixed, and so are others of a kind", () => {
    const traded = more("target memory read-512").replace(
      "target memory read-512 copies total 500",
      "target memory read-512 copies total 250",
    );
    expect(compareCounts(PLAIN, traded).verdict).toBe("changed");
    const other = PLAIN.replaceAll("copyMemory", "set");
    expect(compareCounts(PLAIN, other)).toMatchObject({
      verdict: "changed",
      differences: [
        "changed: initiator memory read-512/fixed, target memory read-512: " +
          "copies as many (set 0 → 2, copyMemory 2 → 0)",
      ],
    });
  });
});

test("cells that change alike are one line", () => {
  const cells = [1, 2, 3, 4, 5, 6].map((at) => `target memory read-${at}`);
  const all = (count: number): string =>
    text(...cells.map((cell) => `${cell} copies total ${count}`));
  expect(compareCounts(all(250), all(500)).differences).toEqual([
    "worse: target memory read-1 and 5 others: copies 1 → 2 a command",
  ]);
});

describe("what is not there is never the same", () => {
  test.each([
    [null, PLAIN, "not there in the base"],
    [PLAIN, null, "not there in the head"],
    ["# Counts failed: no link\n", PLAIN, "the base can't be counted: no link"],
    [PLAIN, HEADING, "no cell is in both"],
    [
      PLAIN.replace("Bun 1", "Bun 2"),
      PLAIN,
      "of 250 commands by Bun 2 in the base, of 250 commands by Bun 1 in the head",
    ],
  ])("case %#", (before, after, why) => {
    const { verdict, sentence } = compareCounts(before, after);
    expect([verdict, sentence]).toEqual(["absent", `Counts per command are not compared: ${why}.`]);
  });

  test("a head that can't be counted any more is not decided", () => {
    expect(compareCounts(PLAIN, "# Counts failed: a command ends\n")).toMatchObject({
      verdict: "changed",
      sentence: "Counts per command are not compared: the head can't be counted: a command ends.",
    });
  });

  test("a link that could not be had is named", () => {
    const less = `${PLAIN}# Not there: raw sockets (no lab)\n`;
    expect(compareCounts(PLAIN, less).sentence).toContain("Not there: raw sockets (no lab).");
  });
});

test("the exact judge has both verdicts, and its sentence both sentences", () => {
  const table = (counts: string | null) => ({ text: POOLS, counts });
  const worse = judgeExact(table(PLAIN), table(more("target memory read-512")));
  expect(worse.verdict).toBe("worse");
  expect(worse.sentence).toBe(
    "All 1 rows of the golden table are equal. " +
      "Counts per command differ in 1 of 2 cells: 1 worse, 0 better, 0 mixed.",
  );
  expect(worse.differences.length).toBe(1);
  const alone = judgeExact(table(null), table(PLAIN));
  expect([alone.verdict, alone.counts?.verdict]).toEqual(["same", "absent"]);
  expect(alone.sentence).toContain("Counts per command are not compared: not there in the base.");
});

test("a file of both is both again", () => {
  expect(splitCounts(POOLS + PLAIN)).toEqual({ pools: POOLS, counts: PLAIN });
  expect(splitCounts(POOLS)).toEqual({ pools: POOLS, counts: null });
});
