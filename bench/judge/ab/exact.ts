// The first judge of two revisions: each one's golden table of pools, made by its own code under
// the virtual clock, and the counts of what a command costs (counts.ts). Exact integers, so that
// one command more or less is a difference; no statistics, no noise.
//
//   a row     worse: fewer commands a second, or as many at a higher price (dry, kicks, stall, allocations,
//             retransmits); better: the other way round; changed: some cheaper, some more expensive
//   broken    a revision whose table can't be made, since an invariant of its own stopped it; or a head with a row
//             that has more extra buffers than its cap, whatever the rate: a cap that is ignored looks faster

import { dirname } from "node:path";
import { runChild } from "../../machine/child.ts";
import { partOf } from "../../run/revision_part.ts";
import { PRICES, RATE } from "../metric.ts";
import { compareCounts, type Counts, countsOf } from "./counts.ts";

export type ExactVerdict = "worse" | "better" | "same" | "changed" | "broken" | "absent";

export interface Exact {
  readonly verdict: ExactVerdict;
  /** One sentence. */
  readonly sentence: string;
  readonly rows: number;
  /** Rows that differ, at most SHOWN of them, with both figures; then the counts that do. */
  readonly differences: readonly string[];
  /** null: not looked at, since the head is broken. */
  readonly counts: Counts | null;
}

type Pools = Omit<Exact, "counts">;

const SHOWN = 12;
const KEYS = 5;

/** As a revision's own code makes it, or why it can't. */
export type Table =
  | {
      readonly text: string;
      /** null: it has no such part. */
      readonly counts: string | null;
    }
  | { readonly failure: string };

/** The tables of two revisions, each named by its aoe.ts. */
export async function compareExactly(
  base: string,
  head: string,
  signal?: AbortSignal,
): Promise<Exact> {
  const after = await tableOf(head, signal);
  // Where the head has none, or breaks, nothing else needs to be known.
  const decided = after === null || "failure" in after;
  return judgeExact(decided ? null : await tableOf(base, signal), after);
}

export function judgeExact(before: Table | null, after: Table | null): Exact {
  const pools = judgePools(before, after);
  if (pools.verdict === "broken") return { ...pools, counts: null };
  const counts = compareCounts(countsIn(before), countsIn(after));
  return {
    ...pools,
    verdict: ORDER.find((one) => one === pools.verdict || one === counts.verdict) ?? "absent",
    sentence: `${pools.sentence} ${counts.sentence}`,
    differences: [...pools.differences, ...counts.differences],
    counts,
  };
}

/** What of two verdicts is the verdict of both. */
const ORDER: readonly ExactVerdict[] = ["worse", "changed", "better", "same"];

function countsIn(table: Table | null): string | null {
  return table === null || "failure" in table ? null : table.counts;
}

function judgePools(before: Table | null, after: Table | null): Pools {
  if (after !== null && "failure" in after) {
    return none("broken", `broken invariant in the head: ${after.failure}`);
  }
  if (before === null || after === null) {
    const which = after === null ? "head" : "base";
    return none("absent", `The ${which} has no golden table, so nothing was compared exactly.`);
  }
  if ("failure" in before) {
    return none("changed", `The base's own table can't be made: ${before.failure}`);
  }
  return compareTables(before.text, after.text);
}

function none(verdict: ExactVerdict, sentence: string): Pools {
  return { verdict, sentence, rows: 0, differences: [] };
}

/** The golden table and the counts of a revision, made by its own code; null: it has no table. */
export async function tableOf(
  program: string,
  signal: AbortSignal | undefined,
): Promise<Table | null> {
  const module = partOf(program, "golden");
  if (module === null) return null;
  const script = `import { formatTable, goldenTable } from ${JSON.stringify(module)};
process.stdout.write(formatTable(goldenTable()));`;
  const words = [process.execPath, "-e", script];
  const [run, counts] = await Promise.all([
    runChild(words, { cwd: dirname(program), signal }),
    countsOf(program, signal),
  ]);
  const { code, stdout: text, stderr: said } = run;
  if (code === 0) return { text, counts };
  const lines = said.split("\n");
  const line =
    lines.find((one) => one.startsWith("error: ")) ??
    lines.find((one) => one.includes("invariant")) ??
    said.trim();
  return { failure: line.replace(/^error: /, "").trim() };
}

export type Row = ReadonlyMap<string, string>;

export function compareTables(before: string, after: string): Pools {
  const [old, fresh] = [parseTable(before), parseTable(after)];
  const beyond = [...fresh].filter(([, row]) => exceedsCap(row));
  if (beyond.length > 0) {
    return {
      ...none(
        "broken",
        `broken invariant in the head: ${beyond.length} of ${fresh.size} rows of the golden table have more extra buffers than their cap.`,
      ),
      rows: fresh.size,
      differences: beyond.slice(0, SHOWN).map(([key, row]) => {
        return `broken: ${key}: allocations ${row.get("allocations")}, cap ${row.get("cap")}`;
      }),
    };
  }
  const differences: string[] = [];
  const counts = { worse: 0, better: 0, changed: 0 };
  for (const [key, row] of fresh) {
    const other = old.get(key);
    if (other === undefined) continue;
    const verdict = judgeRow(other, row);
    if (verdict === "same") continue;
    counts[verdict]++;
    if (differences.length < SHOWN) differences.push(`${verdict}: ${key}: ${changes(other, row)}`);
  }
  const matched = [...fresh.keys()].filter((key) => old.has(key)).length;
  const differing = counts.worse + counts.better + counts.changed;
  const verdict: ExactVerdict =
    counts.worse > 0
      ? "worse"
      : counts.changed > 0
        ? "changed"
        : counts.better > 0
          ? "better"
          : "same";
  const sentence =
    differing === 0
      ? `All ${matched} rows of the golden table are equal.`
      : `${differing} of ${matched} rows of the golden table differ: ${counts.worse} worse, ${counts.better} better, ${counts.changed} mixed.`;
  return { verdict, sentence, rows: matched, differences };
}

/** Rows by their key columns. */
export function parseTable(text: string): Map<string, Row> {
  const [heading = "", ...lines] = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const columns = heading.trim().split(/\s+/);
  return new Map(
    lines.map((line) => {
      const values = line.trim().split(/\s+/);
      return [
        values.slice(0, KEYS).join(" "),
        new Map(columns.map((column, at) => [column, values[at] ?? ""])),
      ];
    }),
  );
}

/** Extra buffers are kept once they are allocated, so no pool with a cap allocates more often. */
function exceedsCap(row: Row): boolean {
  const cap = row.get("cap") ?? "-";
  return cap !== "-" && Number(row.get("allocations")) > Number(cap);
}

function judgeRow(before: Row, after: Row): "worse" | "better" | "same" | "changed" {
  const step = (column: string): number =>
    Math.sign(Number(after.get(column)) - Number(before.get(column)));
  const rate = step(RATE);
  if (rate !== 0) return rate < 0 ? "worse" : "better";
  const prices = PRICES.map(step);
  const moreExpensive = prices.includes(1);
  const cheaper = prices.includes(-1);
  if (moreExpensive && cheaper) return "changed";
  if (moreExpensive) return "worse";
  return cheaper ? "better" : "same";
}

function changes(before: Row, after: Row): string {
  return [...after]
    .filter(([column, value]) => before.get(column) !== value)
    .map(([column, value]) => `${column} ${before.get(column) ?? "-"} → ${value}`)
    .join(", ");
}
