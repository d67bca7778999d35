// What makes two cells of two results the same row, and by which keys they aren't.

import { isKey, KEY_NAMES, type KeyName, KEYS } from "../job/keys.ts";
import type { CellResult } from "./result.ts";

/** How often and in which order a cell ran does not make another row of it. */
export const NOT_OF_ROWS: readonly KeyName[] = [
  "trials",
  "precision",
  "seed",
  "retries",
  "floor",
  "order",
];

/** Everything else of a cell does. */
export function rowKey(cell: CellResult): string {
  // Results of older programs lack the keys that came later; they ran as those keys' defaults say.
  const rest = Object.entries(cell.values).filter(
    ([key, text]) => isKey(key) && !NOT_OF_ROWS.includes(key) && text !== KEYS[key].default,
  );
  return JSON.stringify([cell.job, rest.sort()]);
}

/** Cells that have no row on the other side. */
export function unmatchedCells(
  base: readonly CellResult[],
  head: readonly CellResult[],
): CellResult[] {
  const lacks = (cells: readonly CellResult[]): ((cell: CellResult) => boolean) => {
    const known = new Set(cells.map(rowKey));
    return (cell) => !known.has(rowKey(cell));
  };
  return [...base.filter(lacks(head)), ...head.filter(lacks(base))];
}

/** By what the rows of two results differ, each as a few words with both sides; empty: they are the same. */
export function rowDifferences(base: readonly CellResult[], head: readonly CellResult[]): string[] {
  const lonely = unmatchedCells(base, head).length;
  if (lonely === 0) return [];
  const found: string[] = [];
  const look = (what: string, of: (cell: CellResult) => string): void => {
    const [a, b] = [base, head].map((cells) => [...new Set(cells.map(of))].sort());
    const texts = [a, b].map((values) =>
      (values ?? []).map((text) => text || "nothing").join(", "),
    );
    if (texts[0] !== texts[1]) found.push(`${what} (${texts.join(" and ")})`);
  };
  look("the job section", ({ job }) => job);
  for (const key of KEY_NAMES) {
    if (!NOT_OF_ROWS.includes(key)) look(`the key \`${key}\``, ({ values }) => values[key]);
  }
  // The same values, in other combinations.
  return found.length > 0 ? found : [`the job (${lonely} rows are on one side only)`];
}
