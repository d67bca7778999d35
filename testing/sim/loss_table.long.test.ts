// The table of losses, compared by equality: 480 runs, twelve seconds.

import { expect, test } from "bun:test";

import { LOSS_FILE } from "./golden_action.ts";
import { LOSS, lossRows } from "./loss_table.ts";
import { compareRows, formatRows, parseRows } from "./table_file.ts";

test("loss: every cell is what it was, and reads keep half of their rate at least", async () => {
  const text = await Bun.file(LOSS_FILE).text();
  const rows = [...lossRows()];
  expect(compareRows(LOSS, parseRows(text), rows)).toEqual([]);
  expect(formatRows(LOSS, rows)).toBe(text);
  const reads = rows.filter(({ load, faults }) => load === "reads" && faults === "loss");
  expect(reads).toHaveLength(3);
  for (const { kept_per_mille } of reads) expect(Number(kept_per_mille)).toBeGreaterThan(500);
}, 120_000);
