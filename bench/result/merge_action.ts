// `aoe bench merge`: one result of several.

import { EXIT } from "../../words/failure.ts";
import { readResult } from "./result_file.ts";
import { mergeResults } from "./merge.ts";
import { checkOutput, writeOutput } from "../machine/output.ts";
import { printableJson } from "../../words/printable.ts";
import { widthOf } from "../../words/table.ts";
import { describeRun } from "./describe.ts";

/** Returns the exit code. */
export function mergeAction(files: readonly string[], output: string): number {
  checkOutput(output);
  const merged = mergeResults(files.map(readResult));
  process.stdout.write(describeRun(merged, widthOf(process.stdout)));
  writeOutput(output, `${printableJson(merged)}\n`);
  return EXIT.done;
}
