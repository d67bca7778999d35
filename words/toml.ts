// TOML as text: Bun's own parser, and the lines that it doesn't tell.

import { usage } from "./failure.ts";

/** The tables of `text`. Throws a usage failure that names `file` and the line of the fault. */
export function parseToml(text: string, file: string): Record<string, unknown> {
  const fault = faultOf(text);
  if (fault === null) return Bun.TOML.parse(text) as Record<string, unknown>;
  // The parser stops at its first fault, so the shortest beginning of the file that has this fault ends
  // with the line where it is, and every longer one has it too.
  const lines = text.split("\n");
  let low = 1;
  let high = lines.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    // Whole lines, since a line without its end can have a fault of its own.
    if (faultOf(`${lines.slice(0, middle).join("\n")}\n`) === fault) high = middle;
    else low = middle + 1;
  }
  throw usage(`${file} line ${low}: Expected TOML, got: ${fault}`);
}

function faultOf(text: string): string | null {
  try {
    Bun.TOML.parse(text);
    return null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(
      /^TOML Parse error: /,
      "",
    );
  }
}

/**
 * The line (from 1) on which `key` is given in the `nth` (from 0) table that `head` opens (`[defaults]`,
 * `[[export]]`; empty: the top of the file), the head's own line where the key is not found there, or null.
 */
export function lineOf(text: string, head: string, nth: number, key: string | null): number | null {
  const lines = text.split("\n");
  let found = head === "" && nth === 0 ? 0 : null;
  let seen = -1;
  for (const [index, line] of lines.entries()) {
    const opened = /^\s*(\[{1,2})\s*([^[\]]+?)\s*(\]{1,2})/.exec(line);
    if (opened !== null) {
      if (found !== null) break;
      if (`${opened[1]}${opened[2]}${opened[3]}` === head && ++seen === nth) found = index + 1;
      continue;
    }
    if (found === null || key === null) continue;
    const given = /^\s*(?:"([^"]*)"|'([^']*)'|([\w-]+))\s*[.=]/.exec(line);
    if (given !== null && (given[1] ?? given[2] ?? given[3]) === key) return index + 1;
  }
  return found === 0 ? null : found;
}
