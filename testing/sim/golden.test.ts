// The table of pools, compared by equality: a changed figure is a changed pool.

import { expect, test } from "bun:test";

import { formatTable, goldenTable, POOLS, type Row } from "./golden.ts";
import { GOLDEN_FILE } from "./golden_action.ts";
import { compareRows, parseRows } from "./table_file.ts";

test("every cell is what it was (aoe bench sim --golden --update writes it again)", async () => {
  const text = await Bun.file(GOLDEN_FILE).text();
  const rows = goldenTable();
  expect(compareRows(POOLS, parseRows(text), rows)).toEqual([]);
  expect(formatTable(rows)).toBe(text);
  expect(rows.length).toBe(798);
}, 120_000);

const ROW: Row = {
  strategy: "scan-swap",
  cap: "48",
  delay: "5us",
  lanes: "1",
  reclaim: "eager",
  commands: "400",
  dry: "0",
  kicks: "0",
  stall_ns: "0",
  allocations: "0",
  retransmits: "0",
  commands_per_s: "1000",
};

test("a cell that changed, came or went is one line with what it was and is", () => {
  const fixed: Row = { ...ROW, strategy: "fixed", cap: "-" };
  const changed: Row = { ...ROW, dry: "3", commands_per_s: "900" };
  const name = "scan-swap cap 48, delay 5us, lanes 1, eager";
  expect(compareRows(POOLS, [ROW], [ROW])).toEqual([]);
  expect(compareRows(POOLS, [ROW], [changed])).toEqual([
    `${name}: dry 0 -> 3, commands_per_s 1000 -> 900`,
  ]);
  expect(compareRows(POOLS, [ROW], [ROW, fixed])).toEqual([
    "fixed, delay 5us, lanes 1, eager: is new",
  ]);
  expect(compareRows(POOLS, [ROW], [])).toEqual([`${name}: is gone`]);
  expect(parseRows(formatTable([ROW, fixed]))).toEqual([ROW, fixed]);
});
