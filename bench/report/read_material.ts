// What a report is made from: result files of several kinds, each told by its own `kind`.

import { basename } from "node:path";
import * as v from "valibot";
import { readJson, readResult } from "../result/result_file.ts";
import { environment, usage } from "../../words/failure.ts";
import { WHOLE, type WholeResult, WholeSchema } from "../whole/whole_result.ts";
import { REPRODUCTION, type Reproduction, ReproductionSchema } from "../claims/reproduction.ts";
import type { NamedRun } from "./subject.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";

export interface Material {
  /** Names of all files, as given. */
  readonly names: readonly string[];
  readonly runs: readonly NamedRun[];
  readonly wholes: readonly WholeResult[];
  readonly reproductions: readonly Reproduction[];
}

const Any = v.looseObject({ schema_version: v.number(), kind: v.string() });

/** A Failure, one sentence, for the first file that is no result of ours. */
export function readMaterial(files: readonly string[]): Material {
  const runs: NamedRun[] = [];
  const wholes: WholeResult[] = [];
  const reproductions: Reproduction[] = [];
  const names = namesOf(files);
  for (const [at, file] of files.entries()) {
    const kind = kindOf(file);
    if (kind === WHOLE) wholes.push(readAs(file, WholeSchema, WHOLE));
    else if (kind === REPRODUCTION) {
      reproductions.push(readAs(file, ReproductionSchema, REPRODUCTION));
    } else runs.push({ name: names[at] ?? file, run: readResult(file) });
  }
  return { names, runs, wholes, reproductions };
}

/** Files' names without `.json`; where two are the same, with their folders. */
function namesOf(files: readonly string[]): string[] {
  const short = files.map((file) => basename(file, ".json"));
  return files.map((file, at) =>
    short.filter((name) => name === short[at]).length > 1
      ? file.replace(/\.json$/, "")
      : (short[at] ?? file),
  );
}

/** null: not to be had; who reads it whole says why. */
function kindOf(file: string): string | null {
  try {
    const parsed = v.safeParse(Any, readJson(file));
    return parsed.success ? parsed.output.kind : null;
  } catch {
    return null;
  }
}

function readAs<Schema extends v.GenericSchema>(
  file: string,
  schema: Schema,
  kind: string,
): v.InferOutput<Schema> {
  const value = readJson(file) as { schema_version: number };
  if (value.schema_version > SCHEMA_VERSION) {
    throw environment(
      `${file} has schema version ${value.schema_version} and this program knows versions up to ${SCHEMA_VERSION}: report with the program that wrote it, or a later one`,
    );
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const at = issue.path?.map((item) => String(item.key)).join(".") ?? "";
  throw usage(`${file}: Expected a result of \`${kind}\`, got one whose \`${at}\` is wrong`);
}
