// Results of several runs as one: an axis each, or more rounds of the same. Only results of one machine and one
// revision with one setting belong together.

import { readFileSync } from "node:fs";
import * as v from "valibot";
import { environment, usage } from "../../words/failure.ts";
import { SCHEMA_VERSION } from "../result.ts";
import { GROWTH, type GrowthResult, GrowthSchema } from "./growth_result.ts";
import { summaryOf } from "./growth_summary.ts";

export function readGrowth(file: string): GrowthResult {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw environment(`Can't read ${file}: ${error instanceof Error ? error.message : error}`);
  }
  const parsed = v.safeParse(GrowthSchema, value);
  if (!parsed.success || parsed.output.schema_version > SCHEMA_VERSION) {
    throw usage(`Expected ${file} to be a result of \`${GROWTH}\` that this program knows`);
  }
  return parsed.output;
}

export function joinedGrowth(results: readonly GrowthResult[]): GrowthResult {
  const [first, ...others] = results;
  if (first === undefined) throw new Error("invariant: there is a result");
  for (const other of others) {
    const differs = differenceOf(first, other);
    if (differs !== null) {
      throw environment(`These results can't be shown as one: their ${differs} differ`);
    }
  }
  const trials = results.flatMap((result) => result.trials);
  return {
    ...first,
    elapsed_ns: results.reduce((sum, { elapsed_ns }) => sum + elapsed_ns, 0),
    trials: trials.map((trial, order) => ({ ...trial, order })),
    axes: summaryOf(trials),
  };
}

function differenceOf(a: GrowthResult, b: GrowthResult): string | null {
  if (a.provenance.machine !== b.provenance.machine) return "machines";
  if (a.provenance.git_revision !== b.provenance.git_revision) return "revisions";
  return JSON.stringify(a.setting) === JSON.stringify(b.setting) ? null : "settings";
}
