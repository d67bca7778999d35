// `aoe bench sim --golden`: the tables of pools and of loss against those in the repository.

import { createBreath } from "../../words/breath.ts";
import { EXIT } from "../../words/failure.ts";
import { goldenRows, POOLS } from "./golden.ts";
import { LOSS, lossRows } from "./loss_table.ts";
import { compareRows, formatRows, parseRows, type Row, type Shape } from "./table_file.ts";
import { ownFile } from "../../sys/root.ts";

export const GOLDEN_FILE = ownFile("fixtures/baselines/pools.txt");
export const LOSS_FILE = ownFile("fixtures/baselines/loss.txt");

/** 0: equal, or written again; 3: cells differ, each told in a line. */
export async function goldenAction(update: boolean): Promise<number> {
  const pools = await compare(POOLS, GOLDEN_FILE, goldenRows(), update);
  const loss = await compare(LOSS, LOSS_FILE, lossRows(), update);
  process.stderr.write(
    `${pools.cells + loss.cells} cells, ${pools.differing + loss.differing} differ\n`,
  );
  return update || pools.differing + loss.differing === 0 ? EXIT.done : EXIT.threshold;
}

async function compare<Key extends string, Figure extends string>(
  shape: Shape<Key, Figure>,
  path: string,
  cells: Iterable<Row<Key | Figure>>,
  update: boolean,
): Promise<{ readonly cells: number; readonly differing: number }> {
  const breath = createBreath();
  const rows: Row<Key | Figure>[] = [];
  for (const row of cells) {
    rows.push(row);
    await breath();
  }
  const file = Bun.file(path);
  const before = (await file.exists()) ? parseRows<Key | Figure>(await file.text()) : [];
  const differences = compareRows(shape, before, rows);
  for (const line of differences) process.stdout.write(`${line}\n`);
  if (update) await Bun.write(path, formatRows(shape, rows));
  return { cells: rows.length, differing: differences.length };
}
