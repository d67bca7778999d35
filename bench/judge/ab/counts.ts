// Exact counts of what a command costs (bench/counts): each revision's own, compared by equality. A
// cell is a side, a link and a workload; of each kind it has a total, and the names of which it
// consists.
//
//   a cell    worse: more of a kind; better: fewer; changed: more of one and fewer of another, or
//             others of a kind
//
// What a revision can't count is "not there", which decides nothing.

import { dirname } from "node:path";
import { plural } from "../../../words/shown.ts";
import { lastLine, runChild } from "../../machine/child.ts";
import { partOf } from "../../run/revision_part.ts";

export interface CountChange {
  readonly cell: string;
  readonly kind: string;
  /** `total`, or what of the kind. */
  readonly name: string;
  readonly base: number;
  readonly head: number;
}

export interface Counts {
  readonly verdict: "worse" | "better" | "same" | "changed" | "absent";
  /** One sentence. */
  readonly sentence: string;
  /** Of which the counts are. */
  readonly commands: number;
  readonly cells: number;
  readonly changes: readonly CountChange[];
  /** `verdict: cells: what`; equal changes are one line. */
  readonly differences: readonly string[];
}

const HEADING = /^# Counts of (\d+) commands each, (.*)$/;
const FAILED = "# Counts failed: ";
const NOT_THERE = "# Not there: ";
export const TOTAL = "total";

/** As the revision's own code counts; null: it has no such part. */
export async function countsOf(
  program: string,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  const part = partOf(program, "counts");
  if (part === null) return null;
  const words = [process.execPath, part];
  const { code, stdout, stderr } = await runChild(words, { cwd: dirname(program), signal });
  if (code === 0) return stdout;
  const error = stderr.split("\n").find((line) => line.startsWith("error: "));
  return `${FAILED}${(error ?? lastLine(stderr)).replace(/^error: /, "")}\n`;
}

/** A golden table with the counts behind it, and both again. */
export function splitCounts(text: string): {
  readonly pools: string;
  readonly counts: string | null;
} {
  const at = text.search(/^# Counts /m);
  return at < 0
    ? { pools: text, counts: null }
    : { pools: text.slice(0, at), counts: text.slice(at) };
}

interface Parsed {
  readonly commands: number;
  /** How they were counted. */
  readonly engine: string;
  /** By cell, kind and name. */
  readonly cells: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<string, number>>>;
  readonly missing: readonly string[];
}

function parseCounts(text: string): Parsed | null {
  const [first = "", ...lines] = text.split("\n");
  const [, commands, engine = ""] = HEADING.exec(first) ?? [];
  if (commands === undefined) return null;
  const cells = new Map<string, Map<string, Map<string, number>>>();
  for (const line of lines) {
    const words = line.split(" ");
    const [kind = "", name = "", count = ""] = words.splice(-3);
    if (line.startsWith("#") || words.length === 0) continue;
    const cell = words.join(" ");
    const kinds = cells.get(cell) ?? new Map<string, Map<string, number>>();
    const names = kinds.get(kind) ?? new Map<string, number>();
    cells.set(cell, kinds.set(kind, names.set(name, Number(count))));
  }
  const missing = lines.filter((line) => line.startsWith(NOT_THERE));
  return {
    commands: Number(commands),
    engine,
    cells,
    missing: missing.map((line) => line.slice(NOT_THERE.length)),
  };
}

export function compareCounts(before: string | null, after: string | null): Counts {
  if (before === null || after === null) {
    const which = after === null ? (before === null ? "both" : "the head") : "the base";
    return absent(`not there in ${which}`);
  }
  const [old, fresh] = [parseCounts(before), parseCounts(after)];
  if (fresh === null) {
    const found = absent(`the head can't be counted: ${reasonOf(after)}`);
    return old === null ? found : { ...found, verdict: "changed" };
  }
  if (old === null) return absent(`the base can't be counted: ${reasonOf(before)}`);
  if (old.commands !== fresh.commands || old.engine !== fresh.engine) {
    const how = ({ commands, engine }: Parsed) => `${commands} commands by ${engine}`;
    return absent(`of ${how(old)} in the base, of ${how(fresh)} in the head`);
  }
  return compareParsed(old, fresh);
}

function reasonOf(text: string): string {
  return (text.split("\n")[0] ?? "").replace(FAILED, "");
}

function absent(why: string): Counts {
  const sentence = `Counts per command are not compared: ${why}.`;
  return { verdict: "absent", sentence, commands: 0, cells: 0, changes: [], differences: [] };
}

function compareParsed(old: Parsed, fresh: Parsed): Counts {
  const { commands } = fresh;
  const both = [...fresh.cells.keys()].filter((cell) => old.cells.has(cell));
  const tally = { worse: 0, better: 0, changed: 0 };
  const grouped = new Map<string, { verdict: string; cells: readonly string[] }>();
  const changes = both.flatMap((cell) => {
    const found = changesOf(cell, old, fresh);
    if (found.length === 0) return [];
    const verdict = verdictOf(found);
    tally[verdict]++;
    const what = shown(found, commands);
    const cells = grouped.get(what)?.cells ?? [];
    grouped.set(what, { verdict, cells: [...cells, cell] });
    return found;
  });
  if (both.length === 0) return absent("no cell is in both");
  const differing = tally.worse + tally.better + tally.changed;
  const verdict =
    tally.worse > 0
      ? "worse"
      : tally.changed > 0
        ? "changed"
        : tally.better > 0
          ? "better"
          : "same";
  const missing = [...new Set([...old.missing, ...fresh.missing])];
  const less = missing.map((what) => ` Not there: ${what}.`).join("");
  const all = plural(both.length, "cell");
  const shares = `${tally.worse} worse, ${tally.better} better, ${tally.changed} mixed`;
  const told =
    differing === 0
      ? `All counts per command are equal in ${all}.`
      : `Counts per command differ in ${differing} of ${all}: ${shares}.`;
  return {
    verdict,
    sentence: `${told}${less}`,
    commands,
    cells: both.length,
    changes,
    differences: [...grouped].map(([what, { verdict: one, cells }]) => {
      return `${one}: ${namesOf(cells)}: ${what}`;
    }),
  };
}

/** Of kinds that both have counted. */
function changesOf(cell: string, old: Parsed, fresh: Parsed): CountChange[] {
  const [before, after] = [old.cells.get(cell), fresh.cells.get(cell)];
  return [...(after ?? [])].flatMap(([kind, names]) => {
    const others = before?.get(kind);
    if (others === undefined) return [];
    const all = [...new Set([...names.keys(), ...others.keys()])];
    return all.flatMap((name) => {
      const [base, head] = [others.get(name) ?? 0, names.get(name) ?? 0];
      return base === head ? [] : [{ cell, kind, name, base, head }];
    });
  });
}

function verdictOf(changes: readonly CountChange[]): "worse" | "better" | "changed" {
  const totals = changes.filter(({ name }) => name === TOTAL);
  const more = totals.some(({ base, head }) => head > base);
  const fewer = totals.some(({ base, head }) => head < base);
  if (more === fewer) return "changed";
  return more ? "worse" : "better";
}

/** `objects 0 → 1 a command (Object 0 → 1)` of each kind. */
function shown(changes: readonly CountChange[], commands: number): string {
  const kinds = [...new Set(changes.map(({ kind }) => kind))];
  const step = ({ base, head }: CountChange) => `${base / commands} → ${head / commands}`;
  const texts = kinds.map((kind) => {
    const own = changes.filter((change) => change.kind === kind);
    const total = own.find(({ name }) => name === TOTAL);
    const names = own.filter(({ name }) => name !== TOTAL);
    const sum = total === undefined ? "as many" : `${step(total)} a command`;
    const parts = names.map((change) => `${change.name} ${step(change)}`).join(", ");
    return `${kind.replace("_", " ")} ${sum}${parts === "" ? "" : ` (${parts})`}`;
  });
  return texts.join(", ");
}

/** `initiator memory read-512/fixed and 9 others`: of each side and link. */
function namesOf(cells: readonly string[]): string {
  const groups = Map.groupBy(cells, (cell) => cell.slice(0, cell.lastIndexOf(" ")));
  const texts = [...groups.values()].map((group) => {
    const [first = "", ...more] = group;
    return more.length > 1 ? `${first} and ${more.length} others` : group.join(" and ");
  });
  return texts.join(", ");
}
