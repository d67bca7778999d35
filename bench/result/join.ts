// What commands share that show the results of several runs as one: reading a file of one kind, and refusing
// results that don't belong together. Only those of one machine and one revision with one setting do.

import * as v from "valibot";
import { environment, usage } from "../../words/failure.ts";
import { readJson } from "./result_file.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";
import type { Provenance } from "../machine/provenance.ts";

/** The result that `kind` (a command) wrote; a Failure of one sentence where the file is none. */
export function readOwnResult<Result extends { readonly schema_version: number }>(
  file: string,
  schema: v.GenericSchema<unknown, Result>,
  kind: string,
): Result {
  const parsed = v.safeParse(schema, readJson(file));
  if (!parsed.success || parsed.output.schema_version > SCHEMA_VERSION) {
    throw usage(`Expected ${file} to be a result of \`${kind}\` that this program knows`);
  }
  return parsed.output;
}

interface Origin {
  readonly provenance: Pick<Provenance, "machine" | "git_revision">;
}

/** The first of `results`; throws the environment Failure where another one differs in more than its trials. */
export function firstOfOne<Result extends Origin>(
  results: readonly Result[],
  settingOf: (result: Result) => unknown,
): Result {
  const [first, ...others] = results;
  if (first === undefined) throw new Error("invariant: there is a result");
  const differs = others.map((other) => differenceOf(first, other, settingOf)).find(Boolean);
  if (differs === undefined) return first;
  throw environment(`These results can't be shown as one: their ${differs} differ`);
}

/** Empty: none. */
function differenceOf<Result extends Origin>(
  a: Result,
  b: Result,
  settingOf: (result: Result) => unknown,
): string {
  if (a.provenance.machine !== b.provenance.machine) return "machines";
  if (a.provenance.git_revision !== b.provenance.git_revision) return "revisions";
  return JSON.stringify(settingOf(a)) === JSON.stringify(settingOf(b)) ? "" : "settings";
}
