// `aoe bench sim --golden`: the table of pools against the one in the repository.

import { join } from "node:path";

import { createBreath } from "../../words/breath.ts";
import { EXIT } from "../../words/failure.ts";
import { compareTables, formatTable, goldenRows, parseTable, type Row } from "./golden.ts";

export const GOLDEN_FILE = join(import.meta.dir, "../../fixtures/baselines/pools.txt");

/** 0: equal, or written anew; 3: cells differ, each told in a line. */
export async function goldenAction(update: boolean): Promise<number> {
  const breath = createBreath();
  const rows: Row[] = [];
  for (const row of goldenRows()) {
    rows.push(row);
    await breath();
  }
  const file = Bun.file(GOLDEN_FILE);
  const before = (await file.exists()) ? parseTable(await file.text()) : [];
  const differences = compareTables(before, rows);
  for (const line of differences) process.stdout.write(`${line}\n`);
  process.stderr.write(`${rows.length} cells, ${differences.length} differ\n`);
  if (update) {
    await Bun.write(GOLDEN_FILE, formatTable(rows));
    return EXIT.done;
  }
  return differences.length === 0 ? EXIT.done : EXIT.threshold;
}
