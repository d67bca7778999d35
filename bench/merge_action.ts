// `aoe bench merge`: one result of several.

import { EXIT } from "../words/failure.ts";
import { readResult, writeWhole } from "./compare/result_file.ts";
import { mergeResults } from "./merge.ts";
import { describeRun } from "./run_action.ts";

/** Returns the exit code. */
export function mergeAction(files: readonly string[], output: string): number {
  const merged = mergeResults(files.map(readResult));
  writeWhole(output, `${JSON.stringify(merged)}\n`);
  process.stdout.write(describeRun(merged));
  return EXIT.done;
}
