// Reading results back: a file that isn't one, or that a later program wrote, is one sentence.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import * as v from "valibot";
import { environment, usage } from "../../words/failure.ts";
import { cantRead, cantWrite } from "../../words/file_error.ts";
import { KEY_NAMES, KEYS } from "../job/keys.ts";
import { upgradeRun } from "./upgrade.ts";
import { RunSchema, type RunResult } from "./result.ts";
import { printableTexts } from "../../words/printable.ts";
import { SCHEMA_VERSION } from "../machine/schema.ts";

const Any = v.looseObject({ schema_version: v.number(), kind: v.string() });

/** Which command wrote the result in a file; null: none of ours did. Who reads it whole says why. */
export function kindOf(path: string): string | null {
  const any = v.safeParse(Any, jsonIn(path));
  return any.success ? any.output.kind : null;
}

/** What is in a file; null: it can't be read, or is no JSON. */
export function jsonIn(path: string): unknown {
  try {
    return readJson(path);
  } catch {
    return null;
  }
}

/** The result that the command `kind` wrote; a Failure of one sentence where the file holds none. */
export function readAs<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
  kind: string,
): v.InferOutput<Schema> {
  const value = readJson(path);
  const any = v.safeParse(Any, value);
  if (!any.success) {
    throw usage(
      `${path}: Expected a result of \`${kind}\`, got something without kind and schema_version`,
    );
  }
  const { schema_version: version, kind: found } = any.output;
  if (version > SCHEMA_VERSION) {
    throw environment(
      `${path} has schema version ${version} and this program knows versions up to ${SCHEMA_VERSION}: read it with the program that wrote it, or a later one`,
    );
  }
  if (found !== kind) {
    throw usage(`${path}: Expected a result of \`${kind}\`, got one of \`${found}\``);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const at = issue.path?.map((item) => String(item.key)).join(".") ?? "";
  throw usage(
    `${path}: Expected a result of \`${kind}\`, got one whose \`${at}\` is wrong (${issue.message})`,
  );
}

/** A result of `aoe bench run`, by --json, -o or as the base or head of `aoe bench ab`. */
export function readResult(path: string): RunResult {
  return runOf(readAs(path, RunSchema, "aoe bench run"));
}

/** A result as this program would have written it, from one that the schema let through. */
export function runOf(read: v.InferOutput<typeof RunSchema>): RunResult {
  return withEveryKey(upgradeRun(read as unknown as RunResult));
}

/** A key that came after a result was made is there as it was then: as nobody says otherwise. */
function withEveryKey(result: RunResult): RunResult {
  const usual = Object.fromEntries(KEY_NAMES.map((key) => [key, KEYS[key].default]));
  const cells = result.cells.map((cell) => ({ ...cell, values: { ...usual, ...cell.values } }));
  return { ...result, cells };
}

/**
 * The JSON in a file. Results travel: whatever is shown of one, in a table, a sentence or a page, is printable from
 * here on.
 */
function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw cantRead(`the result ${path}`, error);
  }
  try {
    return printableTexts(JSON.parse(text));
  } catch {
    throw usage(`${path}: Expected JSON, got something else`);
  }
}

/** Whole or not at all: a reader never sees half a file. */
export function writeWhole(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw cantWrite(path, error);
  }
}

export function readIfThere(path: string): string | null {
  return existsSync(path) ? readFileSync(path, "utf8") : null;
}
