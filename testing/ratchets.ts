// What of the tree may only become fewer (tidy.test.ts). Each is found in the text: a formatter has laid it out, so a
// block ends at the first line of its own indentation that closes it.

import { posix } from "node:path";

import { isTest, type Source } from "./sources.ts";

export const COLUMNS = 100;
export const FUNCTION_LINES = 70;
export const FILE_LINES = 400;

const BLOCK = /^(?:if|for|while|switch|catch|return|do|else|try|with|super|describe|test)\b/;
/** How functions, arrow functions with a name, and methods begin. */
const FUNCTIONS = [
  /^(?:export )?(?:async )?function\*? (\w+)/,
  /^(?:export )?const (\w+)(?:: .*)? = (?:async )?(?:<.*>)?\(/,
  /^(?:(?:private|protected|static|override|async|get|set) )*[*#]?(\w+)(?:<.*>)?\(/,
];

/** Lines of more than COLUMNS characters. */
export function longLines({ path, text }: Source): string[] {
  return text
    .split("\n")
    .flatMap((line, at) => ([...line].length > COLUMNS ? [`${path}:${at + 1}`] : []));
}

/** Functions of more than FUNCTION_LINES lines, outside tests. */
export function longFunctions(source: Source): string[] {
  if (isTest(source)) return [];
  const lines = source.text.split("\n");
  return lines.flatMap((line, at) => {
    const indent = /^ */.exec(line)?.[0] ?? "";
    const begun = line.slice(indent.length);
    const name = FUNCTIONS.map((form) => form.exec(begun)?.[1]).find(
      (found) => found !== undefined,
    );
    if (name === undefined || BLOCK.test(begun) || !/[{(]$/.test(begun)) return [];
    let opened = begun.endsWith("{") && !begun.endsWith("({");
    for (let end = at + 1; end < lines.length; end++) {
      const other = lines[end] ?? "";
      if (!other.startsWith(indent) || !/^[})\]]/.test(other.slice(indent.length))) continue;
      // The parameters end with a line that opens the body; what a call ends with doesn't.
      if (!opened && !other.endsWith("{")) return [];
      if (other.endsWith("{")) {
        opened = true;
        continue;
      }
      const count = end - at + 1;
      return count > FUNCTION_LINES ? [`${source.path}:${at + 1} ${name}, ${count} lines`] : [];
    }
    return [];
  });
}

export function longFiles({ path, text }: Source): string[] {
  const lines = text.split("\n").length - 1;
  return lines > FILE_LINES ? [`${path}, ${lines} lines`] : [];
}

/** Names that every folder of commands has. */
const COMMON = ["command.ts", "commands.ts"];

/** Files outside tests whose name another one has. */
export function sharedNames(sources: readonly Source[]): string[] {
  const byName = Map.groupBy(
    sources.filter((source) => !isTest(source)),
    ({ path }) => posix.basename(path),
  );
  return [...byName].flatMap(([name, files]) =>
    files.length < 2 || COMMON.includes(name) ? [] : files.map(({ path }) => path),
  );
}
