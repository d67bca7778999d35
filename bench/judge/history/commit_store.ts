// What is known of commits: plain files in a folder, which may be copied, merged by `cat` and read
// by any tool.
//
//   exact.ndjson          a line a commit: which golden table its pools make
//   tables/HASH.txt       those tables, the counts behind them; equal ones are one file
//   cost-MACHINE.ndjson   a line a commit: CPU time of a command, of each trial on that machine
//
// Lines are only ever added. A line that a signal cut off is none, and its commit is measured
// again.

import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { cantWrite } from "../../../words/file_error.ts";
import { printableJson } from "../../../words/printable.ts";
import { SCHEMA_VERSION } from "../../machine/schema.ts";
import { stateFolder } from "../../result/baselines.ts";
import { readIfThere, writeWhole } from "../../result/result_file.ts";
import { splitCounts } from "../ab/counts.ts";
import type { Table } from "../ab/exact.ts";
import type { Commit } from "./revision_range.ts";

const COMMIT = {
  schema_version: v.number(),
  revision: v.string(),
  committed_at: v.string(),
  subject: v.string(),
  /** When it was measured, ISO 8601. */
  measured_at: v.string(),
};

const ExactLine = v.object({
  ...COMMIT,
  kind: v.literal("aoe bench history exact"),
  /** Name of its table in `tables`; null: it has none. */
  table: v.nullable(v.string()),
  /** Why its own code can't make one; null: it can, or has none. */
  failure: v.nullable(v.string()),
});

const CostLine = v.object({
  ...COMMIT,
  kind: v.literal("aoe bench history cost"),
  bun: v.string(),
  /** Why there are no figures; null: there are. */
  failure: v.nullable(v.string()),
  rows: v.array(
    v.object({
      job: v.string(),
      axes: v.record(v.string(), v.string()),
      /** Noise band, as a share. */
      band: v.number(),
      /** Of each trial, ns. */
      values: v.array(v.number()),
    }),
  ),
});
export type Cost = Pick<v.InferOutput<typeof CostLine>, "bun" | "failure" | "rows">;

/** `folder`: as the user gave it. */
export function storeAt(folder: string | undefined): string {
  return folder ?? join(stateFolder(), "history");
}

/** One kind of figures, by commit. */
export interface Known<Value> {
  get(revision: string): Value | undefined;
  /** On the disk when it returns. */
  add(commit: Commit, measuredAt: string, value: Value): void;
}

/** null: a revision without a golden table. */
export function knownTables(folder: string): Known<Table | null> {
  const path = (name: string): string => join(folder, "tables", `${name}.txt`);
  return known(join(folder, "exact.ndjson"), ExactLine, {
    read({ table, failure }) {
      if (failure !== null) return { failure };
      if (table === null) return null;
      const text = readIfThere(path(table));
      if (text === null) return;
      const { pools, counts } = splitCounts(text);
      return { text: pools, counts };
    },
    write(value) {
      const kind = "aoe bench history exact" as const;
      if (value === null || "failure" in value)
        return { kind, table: null, failure: value?.failure ?? null };
      const text = value.text + (value.counts ?? "");
      const name = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
      // The table first: a line names only what is there.
      if (readIfThere(path(name)) === null) writeWhole(path(name), text);
      return { kind, table: name, failure: null };
    },
  });
}

/** `machine`: as a result's provenance has it. */
export function knownCosts(folder: string, machine: string): Known<Cost> {
  return known(join(folder, `cost-${machine}.ndjson`), CostLine, {
    read: ({ bun, failure, rows }) => ({ bun, failure, rows }),
    write: (value) => ({ kind: "aoe bench history cost" as const, ...value }),
  });
}

type Head = Pick<Commit, "revision" | "subject" | "committed_at"> & {
  readonly schema_version: number;
  readonly measured_at: string;
};

function known<Line extends Head, Value>(
  path: string,
  schema: v.GenericSchema<unknown, Line>,
  {
    read,
    write,
  }: { read(line: Line): Value | undefined; write(value: Value): Omit<Line, keyof Head> },
): Known<Value> {
  const text = readIfThere(path) ?? "";
  let whole = text === "" || text.endsWith("\n");
  const found = new Map<string, Value>();
  for (const line of text.split("\n")) {
    const parsed = v.safeParse(schema, parseJson(line));
    if (!parsed.success || parsed.output.schema_version > SCHEMA_VERSION) continue;
    const value = read(parsed.output);
    if (value !== undefined) found.set(parsed.output.revision, value);
  }
  return {
    get: (revision) => found.get(revision),
    add({ revision, subject, committed_at }, measured_at, value) {
      const head = { schema_version: SCHEMA_VERSION, revision, committed_at, subject, measured_at };
      try {
        mkdirSync(join(path, ".."), { recursive: true });
        const line = `${printableJson({ ...head, ...write(value) })}\n`;
        appendFileSync(path, whole ? line : `\n${line}`);
      } catch (error) {
        throw cantWrite(path, error);
      }
      whole = true;
      found.set(revision, value);
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
